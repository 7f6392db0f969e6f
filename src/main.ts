import { type App, createApp } from './app.ts'
import { banner } from './banner.ts'
import { loadConfig, processEnvironment } from './config.ts'
import { demoAccount } from './demo-workspace.ts'
import { refusalOf } from './refusal.ts'

// Whoever sent the signal kills what is still there after 15 s.
const STOP_LIMIT_MILLIS = 14_000

let app: App | undefined
let isListening = false
let isStopping = false

// Not once: from a terminal npm passes on the Ctrl-C that this process has had already.
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)
await run().catch(refuse)

async function run(): Promise<void> {
  const config = loadConfig(processEnvironment())
  app = await createApp(config, { onFailure: refuse })
  try {
    const { url } = await app.listen()
    // Not before: a port that is taken must not leave an account in a directory that never served.
    const demo = config.demo ? await demoAccount(app.platform, config.dataDir) : null
    isListening = true
    app.platform.log.info({ url }, 'listening')
    if (!config.production) process.stdout.write(banner(config, url, demo))
  } catch (error) {
    await app.close()
    // A stop that cuts a start short makes it fail; that is no fault.
    if (!isStopping) throw error
  }
}

function stop(signal: string): void {
  // A start that is cut short is as safe as a killed process.
  if (app === undefined) process.exit(0)
  isStopping = true
  app.platform.log.info({ signal }, 'stopping')
  setTimeout(() => process.exit(1), STOP_LIMIT_MILLIS).unref()
  app.close().then(() => process.exit(0), refuse)
}

/** What nobody caught leaves the process in no known state: it is logged with all there is to know, and ends it. */
function crash(error: unknown): void {
  app?.platform.log.fatal({ err: error }, 'a fault nobody caught')
  refuse(error)
}

/** One clear sentence for the operator, and an exit code that is not 0. */
function refuse(error: unknown): void {
  const { text, exitCode } = refusalOf(`ocean-graph ${isListening ? 'ended' : 'did not start'}`, error)
  process.stderr.write(text)
  process.exit(exitCode)
}
