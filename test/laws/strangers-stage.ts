import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { createLog } from '../../src/platform/log.ts'
import { createFileMailer } from '../../src/platform/mailer-file.ts'
import { indexed } from '../kit/inside.ts'
import { temporaryDirectory } from '../kit/lane.ts'
import { type Person, signUp, uuidIn } from '../kit/people.ts'
import { startServer, type TestServer } from '../kit/server.ts'
import { ask, write } from '../kit/test.ts'
import { type Ids, nouns, theirKey } from './probe.ts'
import { type Actor, type ActorName, enter } from './strangers-actors.ts'
import { furnishAll, rename } from './strangers-furniture.ts'
import {
  filesBelow,
  followLines,
  followMails,
  followTrail,
  mentioning,
  mentioningRows,
  type Trail,
} from './strangers-records.ts'
import { expectFound, textsWith } from './strangers-search.ts'
import { createTally, type Tally } from './strangers-tally.ts'

/** A victim with something of everything, and the people around. */
export interface Stage {
  readonly server: TestServer
  readonly victim: Person
  readonly theirs: Ids
  /** In every text of theirs. */
  readonly word: string
  readonly actors: readonly Actor[]
  readonly tally: Tally
  readonly trail: Trail
  /** Ids that somebody of the stranger's organization was refused, and that its own trail tells of therefore. */
  readonly asked: Set<string>
  /** Texts that the actor must never be told: what the victim wrote and is called, and their ids in both spellings. */
  secretsFrom(actor: Actor): readonly string[]
  /** What nobody is to find in the log, in lower case: the words of the victim and everybody's secrets. */
  readonly unloggable: readonly string[]
  /** The log since the last look, in lower case. */
  newLog(): string
  /** The mails since the last look, but for those to the victim and to whom they invited. */
  newMails(): Promise<string[]>
  /** The files of the server but its database and its mails, as text by path. */
  files(): Promise<ReadonlyMap<string, string>>
  /** What was lost of the victim's rows, and what came to mention them, since the last look. */
  changes(): Promise<{ lost: string[]; added: string[] }>
  /** Passes over all of these that there is to see by now. */
  lookAway(): Promise<void>
  /** The victim goes on writing in their project and their chat. */
  writeMore(): Promise<void>
  close(): Promise<void>
}

const mark = randomBytes(6).toString('hex')
const canaryName = `Canaryname${mark}`
const canaryText = `canarytext${mark}`
const canaryAgent = `canaryagent${mark}`
const canaryOrganization = `canaryorganization${mark}`

/** Starts a server with its log and its mails written down, and brings the victim, the stranger and these actors on. */
export async function setStage(names: readonly ActorName[]): Promise<Stage> {
  const tally = createTally()
  const logged: string[] = []
  const mailFolder = temporaryDirectory()
  const log = createLog({ level: 'trace', destination: { write: (line: string) => void logged.push(line) } })
  const clock = { now: () => new Date() }
  const mailer = createFileMailer({ directory: mailFolder.path, from: 'ocean@example.org', log, clock })
  const server = await startServer({ log, mailer })
  const victim = await signUp(server, canaryName)
  await rename(victim, canaryOrganization)
  const theirs = await furnishAll(victim, {
    ...{ word: canaryText, agentName: canaryAgent },
    ...{ idempotencyKey: theirKey, visibility: 'PRIVATE' },
  })
  await write(victim, theirs.Page, ...textsWith(canaryText))
  const stranger = await signUp(server, 'Stranger')
  const own = await furnishAll(stranger, { word: 'mine', idempotencyKey: 'my-key' })
  const actors: Actor[] = []
  for (const name of names) actors.push(await enter(name, { server, victim, stranger, own }))
  // What waits for the indexer is no more looked for, and would be taken for what the first actor changed.
  await indexed(server, victim)
  await expectFound(victim, canaryText)

  const words = [canaryText, canaryAgent, canaryOrganization, canaryName.toLowerCase(), victim.email]
  const secrets = [victim, ...actors].flatMap((one) =>
    'tokens' in one ? Object.values(one.tokens) : (one.accessToken ?? []),
  )
  const mails = followMails(mailFolder.path)
  const followed = await followRows(server, theirs)
  const trail = followTrail(server)
  const { unscoped } = server.app.platform.database
  const newLog = followLines(logged)
  const lookAway = async () => {
    newLog()
    await mails()
    await followed.changes()
    await trail.news()
  }
  await trail.news()
  return {
    server,
    victim,
    theirs,
    word: canaryText,
    actors,
    trail,
    ...followed,
    tally,
    asked: new Set(),
    secretsFrom: ({ sees }) => [
      canaryText,
      victim.email,
      ...(sees.includes('User') ? [] : [canaryName.toLowerCase()]),
      ...(sees.includes('Agent') ? [] : [canaryAgent]),
      ...(sees.includes('Organization') ? [] : [canaryOrganization]),
      ...nouns.filter((noun) => !sees.includes(noun)).flatMap((noun) => [theirs[noun], uuidIn(theirs[noun])]),
    ],
    unloggable: [...words, victim.password, ...secrets].map((secret) => secret.toLowerCase()),
    newLog,
    newMails: async () => (await mails()).filter((mail) => !new RegExp(`^To: .*${victim.email}`, 'im').test(mail)),
    files: () => filesBelow(server.config.dataDir),
    writeMore: async () => {
      await write(victim, theirs.Page, canaryText)
      await ask(victim, { id: theirs.ChatSession }, 'scenario/words-1', canaryText)
      // Its answer is written on behind the mutation, and would be taken for what the next actor changed.
      const beingWritten = unscoped.selectFrom('message').select('id').where('status', '=', 'STREAMING')
      await expect.poll(() => beingWritten.execute(), { interval: 10 }).toEqual([])
      await server.app.platform.jobs.idle(15_000)
      await indexed(server, victim)
      await followed.changes()
      await trail.news()
    },
    lookAway,
    close: async () => {
      for (const { client, socket } of actors) {
        await socket.dispose()
        await client.close()
      }
      await victim.close()
      await server.close()
      await mailFolder.remove()
    },
  }
}

async function followRows(server: TestServer, theirs: Ids) {
  const look = mentioningRows(
    server,
    nouns.map((noun) => uuidIn(theirs[noun])),
  )
  // What somebody of the organization makes there mentions it too, and is theirs to change.
  const ownNouns = nouns.filter((noun) => noun !== 'Organization')
  const isTheirs = new RegExp(`${mentioning(ownNouns.map((noun) => uuidIn(theirs[noun])))}|^organization `)
  let all = await look()
  return {
    changes: async () => {
      const before = all
      all = await look()
      const lost = [...before].filter((row) => !all.has(row) && isTheirs.test(row))
      return { lost, added: [...all].filter((row) => !before.has(row)) }
    },
  }
}
