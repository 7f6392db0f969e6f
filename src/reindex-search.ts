import { setTimeout as pause } from 'node:timers/promises'
import { createApp } from './app.ts'
import { loadConfig, processEnvironment } from './config.ts'
import { indexBacklog, noteEverything } from './modules/chat/search/reindexing.service.ts'
import { refusalOf } from './refusal.ts'

// npm run search:reindex     makes what search finds anew from all pages, blocks and messages

const LOOK_MILLIS = 500
const REPORT_MILLIS = 5_000
/** Without anything done, after which what is left is taken for what cannot be done: a batch takes seconds. */
const STUCK_MILLIS = 60_000

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
    let reportedAt = startedAt
    let left = 0
    let least = { texts: Number.POSITIVE_INFINITY, chunks: Number.POSITIVE_INFINITY, since: startedAt }
    for (;;) {
      const { texts, chunks: all } = await indexBacklog(database)
      const chunks = embedder === null ? 0 : all
      // A text that is done may leave many parts to do.
      if (texts < least.texts) least = { texts, chunks, since: Date.now() }
      else if (chunks < least.chunks) least = { ...least, chunks, since: Date.now() }
      left = texts + chunks
      if (left === 0 || stopping.signal.aborted || Date.now() - least.since >= STUCK_MILLIS) break
      if (Date.now() - reportedAt >= REPORT_MILLIS) {
        reportedAt = Date.now()
        process.stdout.write(`${texts} texts and ${chunks} vectors to go\n`)
      }
      await pause(LOOK_MILLIS)
    }
    const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0)
    process.stdout.write(`${noted} texts. ${endOf(left, seconds, stopping.signal)}\n`)
    if (left > 0 && !stopping.signal.aborted) process.exitCode = 1
  } finally {
    await app.close()
  }
}

function endOf(left: number, seconds: string, { aborted }: AbortSignal): string {
  if (left === 0) return `Indexed in ${seconds} s.`
  if (aborted) return 'Stopped; the rest is done by the next server.'
  return `${left} could not be indexed, as the log says; servers try them again.`
}
