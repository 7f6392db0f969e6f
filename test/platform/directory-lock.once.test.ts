import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DataDirectoryInUse, DataDirectoryUnusable, lockDirectory } from '../../src/platform/database/directory-lock.ts'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ocean-lock-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

/** What another process answers when it tries the lock: its name of the error, or `taken`; warnings included. */
function tryElsewhere(directory: string): string {
  const lock = new URL('../../src/platform/database/directory-lock.ts', import.meta.url).href
  const script = `
    const { lockDirectory } = await import(${JSON.stringify(lock)})
    process.on('warning', (warning) => console.log(warning.name))
    try { lockDirectory(${JSON.stringify(directory)}); console.log('taken') } catch (error) { console.log(error.name) }
    await new Promise((resolve) => setImmediate(resolve))
    process.kill(process.pid, 'SIGKILL')`
  try {
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 20_000 })
  } catch (error) {
    // The kill is part of the test: a holder that dies without a word.
    return String((error as { stdout?: unknown }).stdout)
  }
}

test('a missing directory is made for its owner alone', () => {
  const directory = join(base, 'a', 'b')
  const lock = lockDirectory(directory)
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  lock.release()
})

test('a held directory is refused within the process, under any of its names, until it is released', () => {
  const directory = join(base, 'held')
  const lock = lockDirectory(directory)
  symlinkSync(directory, join(base, 'alias'))
  expect(() => lockDirectory(directory)).toThrow(DataDirectoryInUse)
  expect(() => lockDirectory(join(base, 'alias'))).toThrow(join(base, 'alias'))
  lock.release()
  lock.release()
  lockDirectory(directory).release()
})

test('a held directory is refused to another process, and a killed process holds nothing', () => {
  const directory = join(base, 'held')
  const lock = lockDirectory(directory)
  expect(tryElsewhere(directory)).toBe('DataDirectoryInUse\n')
  expect(tryElsewhere(directory)).toBe('DataDirectoryInUse\n')
  lock.release()
  expect(tryElsewhere(directory)).toBe('taken\n')
  lockDirectory(directory).release()
})

test('a place that cannot hold a directory is named together with the reason', () => {
  writeFileSync(join(base, 'file'), '')
  const directory = join(base, 'file', 'below')
  expect(() => lockDirectory(directory)).toThrow(DataDirectoryUnusable)
  expect(() => lockDirectory(directory)).toThrow(directory)
  expect(() => lockDirectory(directory)).toThrow('ENOTDIR')
})

test('a foreign file in the place of the lock is an unusable directory, not one in use', () => {
  writeFileSync(join(base, 'lock.sqlite'), 'x'.repeat(1_000))
  expect(() => lockDirectory(base)).toThrow(DataDirectoryUnusable)
})
