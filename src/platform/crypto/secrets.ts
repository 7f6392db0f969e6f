import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../../lib/json.ts'
import { secretBytes } from '../../lib/secret.ts'

/** The file of generated secrets does not hold secrets. */
export class SecretsFileDamaged extends Error {
  constructor(path: string) {
    super(`The secrets in ${path} are damaged. Restore the file: the database holds what they sealed.`)
  }
}

/**
 * The secrets of these names: as given, else from `secrets.json` in the directory, else made now and kept there.
 * Call it under the directory's lock. @throws {SecretsFileDamaged}
 */
export function secretsIn<Name extends string>(
  directory: string,
  given: Readonly<Record<Name, Uint8Array | null>>,
): Record<Name, Uint8Array> {
  const path = join(directory, 'secrets.json')
  const stored = existsSync(path) ? readSecrets(path) : {}
  const names = Object.keys(given) as Name[]
  const missing = names.filter((name) => given[name] === null && stored[name] === undefined)
  for (const name of missing) stored[name] = randomBytes(32).toString('base64')
  if (missing.length > 0) {
    // Flushed and renamed into place, so that a crash leaves the old file or the new one.
    writeFileSync(`${path}.new`, JSON.stringify(stored), { mode: 0o600, flush: true })
    renameSync(`${path}.new`, path)
  }
  const entries = names.map((name) => {
    const bytes = given[name] ?? secretBytes(stored[name] ?? '')
    if (bytes === null) throw new SecretsFileDamaged(path)
    return [name, bytes] as const
  })
  return Object.fromEntries(entries) as Record<Name, Uint8Array>
}

function readSecrets(path: string): Record<string, string> {
  const text = readFileSync(path, 'utf8')
  const parsed = z
    .record(
      z.string(),
      z.string().refine((secret) => secretBytes(secret) !== null),
    )
    .safeParse(parseJson(text))
  if (!parsed.success) throw new SecretsFileDamaged(path)
  return parsed.data
}
