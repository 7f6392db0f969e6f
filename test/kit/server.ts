import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import { type App, createApp, type Overrides } from '../../src/app.ts'
import type { Config } from '../../src/config.ts'
import type { Embedder } from '../../src/platform/embedder.ts'
import { cheapPasswords, type Mailbox, type MovableClock, mailbox, movableClock, wordEmbedder } from './fakes.ts'
import { administer, configOf, currentLane, type Environment, temporaryDirectory } from './lane.ts'

/** A real server on a free port, on a database of its own. */
export interface TestServer {
  readonly app: App
  readonly config: Config
  readonly url: string
  readonly clock: MovableClock
  readonly mails: Mailbox
  close(): Promise<void>
}

let made = 0

/**
 * Starts a server of this worker's lane on a copy of the lane's template; `environment` goes over that of the lane. Near to
 * each other are texts that share words, unless `embedder` says otherwise: another, none, or the configured one.
 */
export async function startServer({
  environment = {},
  embedder = wordEmbedder(),
  ...overrides
}: Omit<Overrides, 'embedder'> & {
  readonly environment?: Environment
  readonly embedder?: Embedder | null | 'configured'
} = {}): Promise<TestServer> {
  const database = await copyTemplate()
  const clock = movableClock()
  const mails = mailbox()
  const config = configOf(currentLane, database.name, database.dataDir, environment)
  const keyPrefix = `ocean-test-${process.pid}-${made}:`
  const fakes = { clock, mailer: mails, passwordCost: cheapPasswords }
  const own = embedder === 'configured' ? {} : { embedder }
  const app = await createApp(config, { ...fakes, ...own, keyPrefix, ...overrides })
  const { url } = await app.listen()
  return {
    app,
    config,
    url,
    clock,
    mails,
    close: async () => {
      await app.close()
      await database.remove()
    },
  }
}

/** A migrated database of its own: what to name it in the configuration, and how to be rid of it. */
export async function copyTemplate(): Promise<{ name: string; dataDir: string; remove: () => Promise<void> }> {
  made += 1
  const directory = temporaryDirectory()
  const template = inject('template')
  if (currentLane === 'embedded') {
    // The lock is not copied: closing a copy of an open lock file would release the lock.
    await cp(join(template, 'postgres'), join(directory.path, 'postgres'), { recursive: true })
    return { name: directory.path, dataDir: directory.path, remove: directory.remove }
  }
  const name = `ocean_test_${process.pid}_${made}`
  await administer(`create database ${name} template ${template}`)
  return {
    name,
    dataDir: directory.path,
    remove: async () => {
      await administer(`drop database ${name} with (force)`)
      await directory.remove()
    },
  }
}
