import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A server in a process of its own, so that what it costs can be told apart from what asking costs. */
export interface MeasuredServer {
  readonly url: string
  /** CPU time the process has used so far, user and system, in milliseconds. Linux only. */
  cpuMillis(): number
  /** Sends a message to a script that answers each with one. */
  tell(message: string): Promise<unknown>
  close(): Promise<void>
}

/** What to run instead of the API as it is. */
export interface MeasuredOptions {
  /** Over the environment of a server that takes addresses on trust. */
  readonly environment?: Readonly<Record<string, string>>
  /** Of this folder; it logs where it listens as the API does. */
  readonly script?: string
}

const TICKS_PER_SECOND = 100
const START_LIMIT_MILLIS = 60_000

/** Starts the API on an embedded database of its own. @throws when it is not ready within a minute */
export async function startMeasuredServer({
  environment = {},
  script = '../src/main.ts',
}: MeasuredOptions = {}): Promise<MeasuredServer> {
  const directory = await mkdtemp(join(tmpdir(), 'ocean-graph-bench-'))
  const common = { PATH: process.env.PATH ?? '', NODE_ENV: 'production', PORT: '0', DATA_DIR: join(directory, 'data') }
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url))], {
    cwd: directory,
    env: { ...common, EMAIL_VERIFICATION: 'optional', ...environment },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  if (child.stdout === null) throw new Error('The server has no output to read')
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const limit = setTimeout(() => child.kill(), START_LIMIT_MILLIS)
  const url = await listeningUrl(createInterface({ input: child.stdout }))
  clearTimeout(limit)
  return {
    url,
    cpuMillis: () => cpuMillisOf(child.pid ?? 0),
    tell: async (message) => {
      const answered = once(child, 'message')
      child.send(message)
      return (await answered)[0]
    },
    close: async () => {
      child.kill('SIGTERM')
      await ended
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function listeningUrl(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const entry = JSON.parse(line) as { msg?: string; url?: string }
    if (entry.msg === 'listening' && entry.url !== undefined) return entry.url
  }
  throw new Error('The server ended before it listened')
}

/** Fields 14 and 15 of proc_pid_stat(5): utime and stime in clock ticks. */
function cpuMillisOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND
}

/** An answer as it came. */
export interface Posted {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: {
    readonly data?: Readonly<Record<string, unknown>> | null
    readonly errors?: readonly { readonly extensions?: Readonly<Record<string, unknown>> }[]
  }
}

/** Sends one operation and answers whatever came back. */
export async function post(url: string, query: string, headers: Readonly<Record<string, string>>): Promise<Posted> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
  const body = (await response.json()) as Posted['body']
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body }
}

/** Sends one operation and answers its data. @throws when there are errors */
export async function ask(url: string, query: string, token: string | null): Promise<Record<string, unknown>> {
  const { body } = await post(url, query, token === null ? {} : { authorization: `Bearer ${token}` })
  if (body.errors !== undefined || !body.data) throw new Error(JSON.stringify(body.errors))
  return body.data
}
