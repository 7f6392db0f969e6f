import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findFreePort } from './free-port.ts'
import { findPostgresFolder, findPostgresOwner, findRedisFolder, type Owner } from './installed-services.ts'
import { postgresAnswers, redisAnswers } from './service-probes.ts'

const run = promisify(execFile)
const startLimitMillis = 60_000
const keptOutputChars = 4_000

/** A server of our own on a free port of 127.0.0.1, with its files in a temporary directory. */
export type PrivateService = {
  readonly url: string
  readonly port: number
  /** Where its files are. */
  readonly folder: string
  /** Starts it again on the same port and files, and waits until it answers. @throws {ServiceDidNotStart} */
  start(): Promise<void>
  /** Stops it in good order; its files stay. */
  stop(): Promise<void>
  /** Kills it without a word to its clients, as a crash would; its files stay. */
  kill(): Promise<void>
  /** Freezes it: connections stay and get no answer. */
  pause(): void
  /** Ends the freeze. */
  resume(): void
  /** Stops it and removes its files. */
  close(): Promise<void>
}

/** The server ended or gave no answer; the message carries the end of its output. */
export class ServiceDidNotStart extends Error {}

/** Starts a Redis that keeps nothing on disk: after stop() or kill() it comes back empty. @throws {ServiceNotInstalled} */
export async function startPrivateRedis(): Promise<PrivateService> {
  const programs = findRedisFolder()
  const folder = await mkdtemp(join(tmpdir(), 'ocean-graph-redis-'))
  const port = await findFreePort()
  const url = `redis://127.0.0.1:${port}`
  return startService({
    folder,
    url,
    port,
    command: join(programs, 'redis-server'),
    args: ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, '--save', '', '--appendonly', 'no'],
    stopSignal: 'SIGTERM',
    answers: () => redisAnswers(url),
  })
}

/** Starts a Postgres (user postgres, no password, no fsync) that keeps its rows through stop() and kill(). @throws {ServiceNotInstalled} */
export async function startPrivatePostgres(): Promise<PrivateService> {
  const programs = findPostgresFolder()
  const owner = await findPostgresOwner()
  const folder = await mkdtemp(join(tmpdir(), 'ocean-graph-postgres-'))
  try {
    if (owner !== undefined) await chown(folder, owner.uid, owner.gid)
    const initArgs = [
      '-D',
      folder,
      '--username=postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--no-locale',
      '--no-sync',
    ]
    await run(join(programs, 'initdb'), initArgs, { cwd: folder, timeout: startLimitMillis, ...owner })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  const port = await findFreePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'full_page_writes=off']
  return startService({
    folder,
    url,
    port,
    command: join(programs, 'postgres'),
    args: ['-D', folder, '-p', `${port}`, ...settings.flatMap((setting) => ['-c', setting])],
    owner,
    stopSignal: 'SIGINT', // "fast": clients are disconnected, rows are kept
    answers: () => postgresAnswers(url),
  })
}

type Recipe = {
  folder: string
  url: string
  port: number
  command: string
  args: string[]
  owner?: Owner | undefined
  stopSignal: NodeJS.Signals
  answers: () => Promise<boolean>
}

async function startService(recipe: Recipe): Promise<PrivateService> {
  let server: ChildProcess | undefined
  const signal = (name: NodeJS.Signals) => server !== undefined && signalFamily(server, name)
  const killNow = () => signal('SIGKILL')

  const end = async (finish: () => void) => {
    if (server === undefined) return
    const exited = hasExited(server) ? undefined : once(server, 'exit')
    finish()
    await exited
    server = undefined
    process.off('exit', killNow)
  }
  const service: PrivateService = {
    url: recipe.url,
    port: recipe.port,
    folder: recipe.folder,
    start: async () => {
      if (server !== undefined) return
      // A program that forgets close() leaves no server behind, unless it is killed itself.
      process.on('exit', killNow)
      server = spawnServer(recipe)
      try {
        await waitForAnswer(server, recipe)
      } catch (error) {
        await service.kill()
        throw error
      }
    },
    stop: () =>
      end(() => {
        service.resume()
        server?.kill(recipe.stopSignal)
      }),
    kill: () => end(killNow),
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    close: async () => {
      await service.stop()
      await rm(recipe.folder, { recursive: true, force: true })
    },
  }
  try {
    await service.start()
  } catch (error) {
    await service.close()
    throw error
  }
  return service
}

function spawnServer(recipe: Recipe): ChildProcess {
  // Its own directory as the working one: the caller's may be closed to the user it runs as.
  const server = spawn(recipe.command, recipe.args, {
    cwd: recipe.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...recipe.owner,
  })
  server.on('error', () => undefined) // told by waitForAnswer()
  return server
}

async function waitForAnswer(server: ChildProcess, recipe: Recipe): Promise<void> {
  let output = ''
  for (const stream of [server.stdout, server.stderr]) {
    stream?.on('data', (text: Buffer) => {
      output = `${output}${text}`.slice(-keptOutputChars)
    })
  }
  const giveUpAt = performance.now() + startLimitMillis
  while (!(await recipe.answers())) {
    if (hasExited(server) || performance.now() > giveUpAt) {
      throw new ServiceDidNotStart(`${recipe.command} gives no answer on ${recipe.url}\n${output}`)
    }
    await delay(25)
  }
}

function hasExited(server: ChildProcess): boolean {
  return server.pid === undefined || server.exitCode !== null || server.signalCode !== null
}

/** Signals the server and, parent first so that it makes no new ones, the workers it has forked. */
function signalFamily(server: ChildProcess, name: NodeJS.Signals): void {
  if (hasExited(server) || server.pid === undefined) return
  const workers = process.platform === 'linux' ? childrenOf(server.pid) : []
  server.kill(name)
  for (const worker of workers) {
    try {
      process.kill(worker, name)
    } catch (error) {
      // Gone in the meantime.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
}

/** The fourth field of /proc/PID/stat is the parent; the second, in brackets, may hold spaces (proc(5)). */
function childrenOf(parent: number): number[] {
  const isChild = (pid: number) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
    } catch {
      return false // ended while we looked
    }
  }
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && isChild(pid))
}
