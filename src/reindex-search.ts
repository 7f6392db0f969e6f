import { setTimeout as pause } from 'node:timers/promises'
import { createApp } from './app.ts'
import { loadConfig, processEnvironment } from './config.ts'
import { indexBacklog, noteEverything } from './modules/chat/search/reindexing.service.ts'
import { refusalOf } from './refusal.ts'

// npm run search:reindex     makes what search finds anew from all pages, blocks and messages

const LOOK_MILLIS = 500
const REPORT_MILLIS = 5_000

await run().catch((error: unknown) => {
  const { text, exitCode } = refusalOf('ocean-graph did not finish to index', error)
  process.stderr.write(text)
  process.exitCode = exitCode
})

async function run(): Promise<void> {
  const config = loadConfig({ LOG_LEVEL: 'warn', ...processEnvironment() })
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort())
  const app = await createApp(config)
  try {
    const { database, embedder } = app.platform
    const noted = await noteEverything(database, stopping.signal)
    const startedAt = Date.now()
    for (let reportedAt = startedAt; !stopping.signal.aborted; ) {
      const { texts, chunks } = await indexBacklog(database)
      if (texts === 0 && (chunks === 0 || embedder === null)) break
      if (Date.now() - reportedAt >= REPORT_MILLIS) {
        reportedAt = Date.now()
        process.stdout.write(`${texts} texts and ${chunks} vectors to go\n`)
      }
      await pause(LOOK_MILLIS)
    }
    const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0)
    const words = stopping.signal.aborted ? 'Stopped; the rest is done by the next server.' : `Indexed in ${seconds} s.`
    process.stdout.write(`${noted} texts. ${words}\n`)
  } finally {
    await app.close()
  }
}
