import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'

/** How a process ended, and all it has written. */
export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly tookMillis: number
}

/** A real API process; disposing of it kills it, so `await using` ends it even when a test fails. */
export interface ApiNode extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  /** From the spawn to the first `/ready` that answered 200. */
  readonly startMillis: number
  /** Of processor time until then, its threads' together; `startMillis` where the system does not tell. */
  readonly startCpuMillis: number
  /** All it has written so far. */
  readonly stdout: string
  readonly stderr: string
  /** Its log lines so far. */
  readonly logs: readonly LogLine[]
  /** The most memory it has held so far (VmHWM); null where the system does not tell. */
  readonly peakMebibytes: number | null
  /** Asks it to stop and waits for its end. @throws when it is still there after the limit */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<Exit>
  /** Waits for it to end by itself. @throws when it is still there after the limit */
  ended(withinMillis?: number): Promise<Exit>
  /** Ends it as a crash would. */
  kill(): Promise<void>
  signal(name: NodeJS.Signals): void
}

/** A line of the log. */
export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** What to run: variables, beside a free port of 127.0.0.1 and nothing else, arguments, and flags of Node. */
export interface NodeOptions {
  readonly env: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly nodeFlags?: readonly string[]
}

const scripts = {
  main: 'src/main.ts',
  migrate: 'src/migrate.ts',
  importUsers: 'src/import-users.ts',
  verifyAudit: 'src/verify-audit.ts',
  grantAdmin: 'src/grant-admin.ts',
  importSample: 'src/import-sample.ts',
  demo: 'demo/run.ts',
}

const startLimitMillis = 60_000
const endLimitMillis = 60_000
const running = new Set<ChildProcess>()

// A test file that breaks leaves no process behind, unless its worker is killed itself.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts `src/main.ts` in a process of its own and waits until it is ready. @throws when it ends or takes over a minute */
export async function startNode(options: NodeOptions): Promise<ApiNode> {
  const startedAt = performance.now()
  const program = launchNode(options)
  try {
    const url = await vi.waitUntil(() => urlIn(program), { timeout: startLimitMillis, interval: 5 })
    await vi.waitUntil(() => isReady(program, url), { timeout: startLimitMillis, interval: 5 })
    const startMillis = performance.now() - startedAt
    return nodeOf(program, url, { startMillis, startCpuMillis: cpuMillis(program.pid) ?? startMillis })
  } catch (cause) {
    await program.kill()
    throw new Error(`The node did not start:\n${program.stdout}\n${program.stderr}`, { cause })
  }
}

/** Runs a program that is expected to end by itself. @throws when it does not */
export async function runToEnd(
  script: keyof typeof scripts,
  { withinMillis, ...options }: NodeOptions & { readonly withinMillis?: number },
): Promise<Exit> {
  const program = launch(script, options)
  try {
    return await program.ended(withinMillis)
  } finally {
    await program.kill()
  }
}

/** Starts a process and does not wait for anything. */
export function launchNode(options: NodeOptions): Program {
  // The address is read from the log.
  return launch('main', { ...options, env: { ...options.env, LOG_LEVEL: 'info' } })
}

/** A process and what it writes. */
export type Program = ReturnType<typeof launch>

/** Starts a program and does not wait for anything. */
export function launch(script: keyof typeof scripts, { env, args = [], nodeFlags = [] }: NodeOptions) {
  const startedAt = performance.now()
  const fileAt = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
  // As the scripts of package.json start it.
  const before = ['--import', new URL('../../src/require-node.mjs', import.meta.url).href]
  const child = spawn(process.execPath, [...before, ...nodeFlags, fileAt(scripts[script]), ...args], {
    // Not the project's directory, where a developer may keep a `.env`.
    cwd: tmpdir(),
    env: { ...inherited(), PORT: '0', HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const written = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.stderr += text
  })
  // 'close' comes after the last output, 'exit' may not.
  const closed = once(child, 'close').then(() => {
    running.delete(child)
    return performance.now() - startedAt
  })
  return {
    pid: child.pid ?? 0,
    get stdout() {
      return written.stdout
    },
    get stderr() {
      return written.stderr
    },
    get hasEnded() {
      return !running.has(child)
    },
    signal: (name: NodeJS.Signals) => void child.kill(name),
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
    ended: async (withinMillis = endLimitMillis): Promise<Exit> => {
      const tookMillis = await within(withinMillis, closed, () => `${script} has not ended\n${written.stderr}`)
      return { code: child.exitCode, ...written, tookMillis }
    },
  }
}

function nodeOf(program: Program, url: string, start: Pick<ApiNode, 'startMillis' | 'startCpuMillis'>): ApiNode {
  return {
    url,
    ...start,
    pid: program.pid,
    get stdout() {
      return program.stdout
    },
    get stderr() {
      return program.stderr
    },
    get logs() {
      return logLines(program.stdout)
    },
    get peakMebibytes() {
      return peakMebibytes(program.pid)
    },
    signal: program.signal,
    kill: program.kill,
    ended: program.ended,
    stop: async (signal = 'SIGTERM') => {
      const askedAt = performance.now()
      program.signal(signal)
      const exit = await program.ended()
      return { ...exit, tookMillis: performance.now() - askedAt }
    },
    [Symbol.asyncDispose]: program.kill,
  }
}

/** Only what a program needs to run: whatever configures the tests must not configure the process. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'SystemRoot']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

function urlIn(program: Program): string | undefined {
  if (program.hasEnded) throw new Error('It has ended')
  const listening = logLines(program.stdout).find((line) => line.msg === 'listening')
  return typeof listening?.url === 'string' ? listening.url : undefined
}

/** The whole JSON lines of an output; what else it holds, such as the banner, is left out. */
function logLines(stdout: string): LogLine[] {
  const complete = stdout.slice(0, stdout.lastIndexOf('\n') + 1)
  return complete.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []))
}

async function isReady(program: Program, url: string): Promise<boolean> {
  if (program.hasEnded) throw new Error('It has ended')
  return (await readyStatus(url)) === 200
}

/** The status that `/ready` answers within 10 s; null when nobody answers. */
export async function readyStatus(url: string): Promise<number | null> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(10_000) })
    await response.text()
    return response.status
  } catch {
    return null
  }
}

/** VmHWM of proc_pid_status(5), in KiB there. */
function peakMebibytes(pid: number): number | null {
  if (process.platform !== 'linux') return null
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return kibibytes === undefined ? null : Number(kibibytes) / 1024
}

/** utime and stime, the 14th and 15th field of proc_pid_stat(5), in ticks of 10 ms; the second, in brackets, may hold spaces. */
function cpuMillis(pid: number): number | null {
  if (process.platform !== 'linux') return null
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

async function within<Value>(limitMillis: number, promise: Promise<Value>, complaint: () => string): Promise<Value> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${complaint()} within ${limitMillis} ms`)), limitMillis)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
