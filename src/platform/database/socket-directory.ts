import { chmodSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The port in the socket's name, by which libpq and node-postgres find it in a directory. */
export const socketPort = 5432

const socketName = `.s.PGSQL.${socketPort}`
const prefix = 'ocean-graph-'

// sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
const longestSocketPathBytes = 103

/** A directory only this user can enter, for one unix socket. */
export interface SocketDirectory {
  readonly path: string
  readonly socket: string
  remove(): void
}

/**
 * Makes a private directory with a short path, and removes the one a killed process left behind for the same data.
 * The caller holds the lock on `dataDirectory`.
 */
export function openSocketDirectory(dataDirectory: string): SocketDirectory {
  const record = join(dataDirectory, 'socket-directory')
  removeRecorded(record)
  // A random name cannot be taken beforehand by another user; the record keeps abandoned ones from piling up.
  const path = mkdtempSync(join(shortTemporaryDirectory(), prefix))
  chmodSync(path, 0o700)
  writeFileSync(record, path, { mode: 0o600 })
  return { path, socket: join(path, socketName), remove: () => removeRecorded(record) }
}

function shortTemporaryDirectory(): string {
  const longest = join(tmpdir(), `${prefix}XXXXXX`, socketName)
  return Buffer.byteLength(longest) <= longestSocketPathBytes ? tmpdir() : '/tmp'
}

function removeRecorded(record: string): void {
  try {
    const path = readFileSync(record, 'utf8')
    if (!path.includes(prefix)) return
    rmSync(join(path, socketName), { force: true })
    rmdirSync(path)
  } catch {
    // Nothing recorded, already gone, or no longer ours: no obstacle to a new one.
  } finally {
    rmSync(record, { force: true })
  }
}
