import { setTimeout as delay } from 'node:timers/promises'
import { Answer } from './answer.ts'
import type { Person } from './person.ts'
import { expectType, promised } from './promise.ts'
import type { Screen } from './screen.ts'
import type { Stage } from './stage.ts'

const question = 'What do I do when the fog comes in?'
const biscuits = 'When the fog comes in to stay, the biscuits are in the blue tin behind the radio.'
const blocks = [
  { type: 'HEADING_1', text: 'Fog' },
  { text: 'When the fog comes in, switch the horn on before you put the kettle on: five seconds every minute.' },
  { text: 'When fog comes in at night, stay with the lamp and write every ship you hear into the logbook.' },
  { text: 'If the fog comes in while the ferry is out, call Harbour Control on channel 12 and keep talking.' },
  { type: 'QUOTE', text: 'Fog comes in on little cat feet. The keeper goes out in boots.' },
] as const

const sought = 'tin with biscuits'
// What is written can be found within two seconds; this is a busy machine's.
const FIND_LIMIT_MILLIS = 10_000
const FIND_PERIOD_MILLIS = 50

// In characters of an answer of over 500, so that he comes back long before its end.
const CUT_AFTER = 100
const MISSED = 80

/** Plays the whole story. @throws with a sentence when anything is not as promised */
export async function play(stage: Stage, screen: Screen): Promise<void> {
  await screen.scene('Two keepers')
  const [ada, ben] = [stage.enter('Ada'), stage.enter('Ben')]
  const benId = await hire(stage, screen, ada, ben)
  await screen.scene('A page, live')
  const pageId = await writePage(screen, ada, ben)
  await screen.scene('A question in the fog')
  await find(screen, ben)
  const sessionId = await openChat(screen, ada, ben, benId)
  const heard = await askInFog(screen, ada, ben, sessionId)
  showSources(screen, heard.ben, pageId)
  await screen.scene('The proof')
  await prove(screen, ada, sessionId, heard)
}

async function hire(stage: Stage, screen: Screen, ada: Person, ben: Person): Promise<string> {
  const password = 'Correct-Horse-1'
  const [first, second] = await Promise.all(
    [ada, ben].map(async (person) => {
      const input = { email: `${person.name.toLowerCase()}@example.org`, password, displayName: person.name }
      const payload = expectType(await person.ask('register', { input }), 'AuthPayload')
      person.signedIn(payload.accessToken)
      return payload.viewer
    }),
  )
  promised(first !== undefined && second !== undefined, 'two people sign up')
  const { organization } = first
  screen.tell('Ada', `signs up, and is given an organization: “${organization.name}”.`)
  screen.tell('Ben', 'signs up as well.')
  await stage.takeOn(second.actor.id, organization.id, 'EDITOR')
  const login = await ben.ask('login', { input: { identifier: 'ben@example.org', password } })
  const { viewer, accessToken } = expectType(login, 'AuthPayload')
  ben.signedIn(accessToken)
  promised(viewer.organization.id === organization.id, 'Ben signs in to the organization of Ada')
  screen.tell('Ada', `takes Ben on, who signs in again and is ${viewer.role} of “${viewer.organization.name}”.`)
  return viewer.actor.id
}

async function writePage(screen: Screen, ada: Person, ben: Person): Promise<string> {
  const project = expectType(await ada.ask('createProject', { input: { name: 'Skerry Point Lighthouse' } }), 'Project')
  const made = await ada.ask('createPage', { input: { title: 'Rules for the night', projectId: project.id } })
  const { id: pageId, title } = expectType(made, 'Page')
  expectType(await ada.ask('createBlocks', { input: { pageId, blocks: [...blocks] } }), 'CreatedBlocks')
  screen.tell('Ada', `makes the project “${project.name}” and writes “${title}”: ${blocks.length} blocks.`)
  const page = await ben.ask('page', { id: pageId })
  promised(page?.blocks.totalCount === blocks.length, `Ben reads all ${blocks.length} blocks`)
  screen.tell('Ben', `reads it, and watches it with pageEvents from its eventsCursor on.`)
  await screen.pause()

  let saidAt = 0
  const watching = ben.follow('pageEvents', { pageId, after: page.eventsCursor }, (event) => {
    const { block } = expectType(event, 'BlockCreated')
    promised(block?.text === biscuits, `Ben sees the block Ada wrote, and not “${block?.text}”`)
    screen.tell(
      'Ben',
      `sees it ${Math.ceil(performance.now() - saidAt)} ms later, without asking: written by ${block.createdBy.displayName}.`,
    )
    return true
  })
  const writing = async () => {
    screen.tell('Ada', `adds a line: “${biscuits}”`)
    saidAt = performance.now()
    expectType(await ada.ask('createBlocks', { input: { pageId, blocks: [{ text: biscuits }] } }), 'CreatedBlocks')
  }
  await Promise.all([watching, writing()])
  return pageId
}

/** Until it is found the page cannot be quoted either. */
async function find(screen: Screen, ben: Person): Promise<void> {
  const limit = performance.now() + FIND_LIMIT_MILLIS
  for (;;) {
    const { edges } = await ben.ask('search', { query: sought, mode: 'LEXICAL', first: 5 })
    const found = edges.find(({ node }) => node.snippet === biscuits)
    if (found !== undefined) break
    promised(performance.now() < limit, `Ben finds what Ada wrote within ${FIND_LIMIT_MILLIS / 1_000} s`)
    await delay(FIND_PERIOD_MILLIS)
  }
  screen.tell('Ben', `searches for “${sought}”, and finds the line by its words.`)
}

async function openChat(screen: Screen, ada: Person, ben: Person, benId: string): Promise<string> {
  const input = { title: 'First night', participantIds: [benId], model: 'embedded/extractive' }
  const session = expectType(await ada.ask('createChatSession', { input }), 'ChatSession')
  const seen = await ben.ask('chatSession', { id: session.id })
  promised(seen?.participants.length === 2, 'Ben finds the chat, with two people in it')
  screen.tell(
    'Ada',
    `opens the chat “${session.title}” for the two of them. It answers with ${session.model?.id}: no key, no network.`,
  )
  return session.id
}

interface Heard {
  readonly ada: Answer
  readonly ben: Answer
  /** What Ben and Ada knew, in characters, when he came back. */
  readonly cutAt: number
  readonly backAt: number
}

async function askInFog(screen: Screen, ada: Person, ben: Person, sessionId: string): Promise<Heard> {
  const [adas, bens] = [new Answer('Ada'), new Answer('Ben')]
  let [cutAt, backAt, connections] = [0, 0, 0]
  let comeBack: (() => void) | undefined
  const session = await ben.ask('chatSession', { id: sessionId })
  promised(session !== null, 'Ben finds the chat')
  const variables = { sessionId, after: session.eventsCursor }

  const adaReads = ada.follow('chatEvents', variables, (event) => {
    adas.hear(event)
    const isEnough = adas.finished !== null || adas.text.length >= bens.text.length + MISSED
    if (comeBack !== undefined && backAt === 0 && isEnough) {
      promised(adas.finished === null, 'Ben comes back while the answer is still being written')
      ;[cutAt, backAt] = [bens.text.length, adas.text.length]
      screen.tell('Ada', `has read ${backAt - cutAt} characters more by now.`)
      screen.tell(
        'Ben',
        'is back, and sends the cursor of the last thing he heard as `after`. First comes what he missed:',
      )
      comeBack()
    }
    return adas.finished !== null
  })
  const benReads = ben.follow('chatEvents', variables, (event) => {
    const before = bens.text.length
    const added = bens.hear(event)
    const missed = Math.max(0, Math.min(added.length, backAt - before))
    screen.stream(added.slice(0, missed), true)
    screen.stream(added.slice(missed))
    if (comeBack === undefined && bens.text.length >= CUT_AFTER) {
      screen.aside(`✂  The fog swallows Ben's signal: his socket is cut after ${bens.text.length} characters.`)
      connections = ben.connections
      comeBack = ben.cut()
    }
    return bens.finished !== null
  })
  const asking = async () => {
    screen.tell('Ben', `asks: “${question}” What he hears, word by word:`)
    expectType(await ben.ask('sendMessage', { input: { sessionId, content: question } }), 'SentMessage')
  }
  await Promise.all([adaReads, benReads, asking()])
  promised(cutAt > 0 && ben.connections === connections + 1, 'Ben was cut off, and came back on a socket of his own')
  return { ada: adas, ben: bens, cutAt, backAt }
}

function showSources(screen: Screen, { finished, text }: Answer, pageId: string): void {
  promised(finished?.status === 'COMPLETED', `the answer is COMPLETED, and not ${finished?.status}`)
  const sources = finished.parts.filter((part) => part.__typename === 'CitationPart')
  promised(sources.length > 0, 'the answer names its sources')
  for (const { quote, page, block } of sources) {
    promised(page?.id === pageId && block !== null, `“${quote}” is cited from a block of the page of Ada`)
    promised(quote !== null && text.includes(quote), `“${quote}” stands in the answer`)
  }
  screen.aside(`${sources.length} citations, each with its block of “${sources[0]?.page?.title}”.`)
}

async function prove(screen: Screen, ada: Person, sessionId: string, heard: Heard): Promise<void> {
  const stored = (await ada.ask('chatSession', { id: sessionId, last: 1 }))?.messages.nodes[0]?.content ?? ''
  const [adas, bens, kept] = [heard.ada.text, heard.ben.text, stored].map((text) => Buffer.from(text))
  promised(adas !== undefined && bens !== undefined && kept !== undefined, 'three texts are compared')
  const { cutAt, backAt } = heard
  promised(backAt > cutAt && kept.length > backAt, 'Ben missed something, and came back in mid-answer')
  promised(kept.length > 0 && adas.equals(kept), 'what Ada heard is what the server keeps')
  promised(bens.equals(kept), 'what Ben heard, before the cut and after it, is what the server keeps')
  screen.proof(`Ben missed characters ${cutAt} to ${backAt} and was told them when he came back: no gap, no repeat.`)
  screen.proof(`Ada's text, Ben's text and Message.content are equal, byte for byte: ${kept.length} bytes each.`)
}
