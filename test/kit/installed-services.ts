import { execFile } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const lookUpLimitMillis = 5_000

/** A program is neither on PATH nor in Debian's place for it. */
export class ServiceNotInstalled extends Error {}

/** The operating system's user and group a server runs as. */
export type Owner = { uid: number; gid: number }

/** The folder of redis-server. @throws {ServiceNotInstalled} */
export function findRedisFolder(): string {
  return findFolder('Redis', ['redis-server'], pathFolders())
}

/** The folder of initdb and postgres: of PATH, else the newest of Debian's. @throws {ServiceNotInstalled} */
export function findPostgresFolder(): string {
  return findFolder('Postgres', ['initdb', 'postgres'], [...pathFolders(), ...debianPostgresFolders()])
}

/** The program of Chromium: what TEST_CHROMIUM names, else the one on PATH. @throws {ServiceNotInstalled} */
export function findChromium(): string {
  const named = process.env.TEST_CHROMIUM
  const found =
    named ||
    pathFolders()
      .map((folder) => join(folder, 'chromium'))
      .find(isExecutable)
  if (found === undefined) {
    throw new ServiceNotInstalled('Chromium is not installed: PATH has no chromium, and TEST_CHROMIUM names none')
  }
  return found
}

/** Whether what `find` looks for is installed. */
export function isInstalled(find: () => string): boolean {
  try {
    return find() !== ''
  } catch (error) {
    if (error instanceof ServiceNotInstalled) return false
    throw error
  }
}

function pathFolders(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
}

function debianPostgresFolders(): string[] {
  const root = '/usr/lib/postgresql'
  try {
    const versions = readdirSync(root).sort((one, other) => Number(other) - Number(one))
    return versions.map((version) => join(root, version, 'bin'))
  } catch {
    return []
  }
}

/** The first folder that holds all the programs, so that they are of one version. */
function findFolder(service: string, names: string[], folders: string[]): string {
  const holdsAll = (folder: string) => names.every((name) => isExecutable(join(folder, name)))
  const found = folders.find(holdsAll)
  if (found === undefined) {
    throw new ServiceNotInstalled(
      `${service} is not installed: no folder of PATH or /usr/lib/postgresql holds ${names.join(' and ')}`,
    )
  }
  return found
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Postgres refuses to run as root: then it runs as the user postgres, which its Debian package creates. */
export async function findPostgresOwner(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const idOf = async (flag: string) =>
    Number((await run('id', [flag, 'postgres'], { timeout: lookUpLimitMillis })).stdout)
  try {
    return { uid: await idOf('-u'), gid: await idOf('-g') }
  } catch (error) {
    throw new ServiceNotInstalled('Postgres does not run as root, and there is no user postgres to run it as', {
      cause: error,
    })
  }
}
