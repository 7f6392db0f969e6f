import { createReadStream } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadConfig, processEnvironment } from './config.ts'
import { entities } from './entities.ts'
import { importUsers } from './modules/accounts/users/user-import.service.ts'
import { systemClock } from './platform/clock.ts'
import { assertMigrated } from './platform/database/migrations.ts'
import { openStore } from './platform/database/store.ts'
import { createLog } from './platform/log.ts'
import { refusalOf } from './refusal.ts'

// npm run users:import -- FILE     makes an account of each line, or says what is wrong with them and makes none
const { positionals } = parseArgs({ allowPositionals: true })
// Standard output is the report's.
const log = createLog({ level: 'warn', destination: process.stderr })

await run(positionals).catch((error: unknown) => {
  const { text, exitCode } = refusalOf('ocean-graph imported nobody', error)
  process.stderr.write(text)
  process.exitCode = exitCode
})

async function run([path, ...more]: readonly string[]): Promise<void> {
  if (path === undefined || more.length > 0) throw new Error('Name one file: npm run users:import -- FILE')
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
    const report = await importUsers({ database, clock: systemClock }, () => createReadStream(path))
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    if (report.faultCount > 0) process.exitCode = 1
  } finally {
    await store.close()
  }
}
