import { refusalOf } from '../src/refusal.ts'
import { createScreen } from './screen.ts'
import { raiseStage } from './stage.ts'
import { play } from './story.ts'

// npm run demo: a server of its own, two people, and a story in which every promise is checked. 1 when one is broken.

const LIMIT_MILLIS = 60_000
const STOP_LIMIT_MILLIS = 14_000
// 128 + SIGINT, as shells have it.
const INTERRUPTED = 130

// From the start of the process.
const seconds = () => `${(performance.now() / 1_000).toFixed(1)} s`
const screen = createScreen(process.stdout)
const stopping = new AbortController()
const stopped = Promise.withResolvers<never>()
stopped.promise.catch(() => undefined)

// Not once: from a terminal npm passes on the Ctrl-C that this process has had already.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop('interrupted'))
process.on('uncaughtException', stop)
process.on('unhandledRejection', stop)
setTimeout(() => stop(new Error(`it was not over within ${LIMIT_MILLIS / 1_000} s`)), LIMIT_MILLIS).unref()
process.exit(await run())

async function run(): Promise<number> {
  screen.title('A night at the lighthouse, played by two people on a real server')
  screen.aside('A server starts, with a Postgres of its own in a temporary directory …')
  try {
    await using stage = await raiseStage(stop)
    stopping.signal.throwIfAborted()
    screen.aside(`… and listens on ${stage.url}/graphql after ${seconds()}.`)
    await Promise.race([play(stage, screen), stopped.promise])
    await screen.scene('The lamp goes out')
  } catch (error) {
    if (error === 'interrupted') return INTERRUPTED
    process.stderr.write(refusalOf('\nThe demo broke off', error).text)
    return 1
  }
  screen.aside(
    `The server is closed and its directory removed; all of it took ${seconds()}. Yours starts with: npm start`,
  )
  return 0
}

/** Ends the story where it is; what was opened is closed, for which there is a limit. */
function stop(reason: unknown): void {
  screen.darken()
  setTimeout(() => process.exit(1), STOP_LIMIT_MILLIS).unref()
  stopping.abort(reason)
  stopped.reject(reason)
}
