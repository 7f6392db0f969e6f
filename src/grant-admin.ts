import { parseArgs } from 'node:util'
import { loadConfig, processEnvironment } from './config.ts'
import { entities } from './entities.ts'
import { type Grant, setPlatformAdmin } from './modules/accounts/administration/platform-admin.service.ts'
import { systemClock } from './platform/clock.ts'
import { assertMigrated } from './platform/database/migrations.ts'
import { openStore } from './platform/database/store.ts'
import { createLog } from './platform/log.ts'
import { refusalOf } from './refusal.ts'

// npm run admin:grant -- EMAIL              makes whoever has this address an administrator of the platform
// npm run admin:grant -- EMAIL --revoke     takes that from them
const log = createLog({ level: 'warn', destination: process.stderr })

await run().catch((error: unknown) => {
  const { text, exitCode } = refusalOf('ocean-graph granted nothing', error)
  process.stderr.write(text)
  process.exitCode = exitCode
})

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { revoke: { type: 'boolean' } } })
  const [email, ...more] = positionals
  if (email === undefined || more.length > 0)
    throw new Error('Name one address: npm run admin:grant -- EMAIL [--revoke]')
  const isPlatformAdmin = values.revoke !== true
  const config = loadConfig(processEnvironment())
  const store = await openStore({
    databaseUrl: config.services?.databaseUrl ?? null,
    directory: config.dataDir,
    entities,
    log,
    onFailure: (error) => log.fatal({ err: error }, 'the embedded database ended'),
  })
  try {
    const { database } = store
    await assertMigrated(database.orm)
    const grant = await setPlatformAdmin({ database, clock: systemClock }, email, isPlatformAdmin)
    process.stdout.write(`${inWords(grant, isPlatformAdmin)}\n`)
  } finally {
    await store.close()
  }
}

function inWords({ email, hasChanged, isSuspended, administrators }: Grant, isPlatformAdmin: boolean): string {
  const state = isPlatformAdmin ? 'an administrator of the platform' : 'no administrator of the platform'
  const change = hasChanged ? `${email} is now ${state}.` : `${email} was ${state} already. Nothing changed.`
  const suspended = isPlatformAdmin && isSuspended ? ' The account is suspended: nobody gets in with it.' : ''
  return `${change}${suspended} Administrators who can get in: ${administrators}.`
}
