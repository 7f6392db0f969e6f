import { expect } from 'vitest'
import { extractiveModel } from '../../../../src/modules/chat/assistant/extractive.service.ts'
import type { Context } from '../../../../src/platform/context.ts'
import { type ModelMessage, type ModelPart, modelRequest } from '../../../../src/platform/models.ts'
import { CreateBlocksDocument, CreatePageDocument, type NewBlockInput } from '../../../gql/graphql.ts'
import { contextOf, indexed } from '../../../kit/inside.ts'
import { type Person, uuidIn } from '../../../kit/people.ts'
import type { TestServer } from '../../../kit/server.ts'
import { createPage } from '../../../kit/test.ts'

/** What the model said. */
export interface Answer {
  readonly text: string
  readonly quotes: string[]
  readonly sources: Readonly<Record<string, string>>[]
}

/** The same server as if nothing in it could tell what a text means: the kit's embedder goes by words that say nothing as well. */
export function byWordsAlone(server: TestServer): TestServer {
  return { ...server, app: { ...server.app, platform: { ...server.app.platform, embedder: null } } }
}

/** What the model says to the last of these user's messages, once all that is written can be found. */
export async function ask(server: TestServer, person: Person | null, ...questions: string[]): Promise<Answer> {
  if (person !== null) await indexed(server, person)
  return answerOf(await contextOf(server, person), questions)
}

/** The same, with what can be found by now. */
export async function answerOf(ctx: Context, questions: readonly string[]): Promise<Answer> {
  const messages = questions.flatMap((content): ModelMessage[] => [
    { role: 'user', content },
    { role: 'assistant', content: 'An answer about walruses.' },
  ])
  const parts: ModelPart[] = []
  for await (const part of extractiveModel.stream(ctx, modelRequest({ messages: messages.slice(0, -1) }), ctx.signal))
    parts.push(part)
  const citations = parts.filter((part) => part.type === 'citation')
  return {
    text: parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join(''),
    quotes: citations.map(({ quote }) => quote),
    sources: citations.map(({ source }) => source),
  }
}

/** Makes a page of paragraphs and `# headings`, and answers the text of its blocks by their UUID. */
export async function publish(person: Person, title: string, ...texts: string[]): Promise<Published> {
  return fill(person, await createPage(person, title), texts)
}

/** The same in a language somebody said. */
export async function publishIn(
  language: string,
  person: Person,
  title: string,
  ...texts: string[]
): Promise<Published> {
  const { createPage: page } = await person.mutate(CreatePageDocument, { input: { title, language } })
  if (page.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(page)}`)
  return fill(person, page, texts)
}

async function fill(person: Person, page: { id: string }, texts: readonly string[]): Promise<Published> {
  const blocks = texts.map((text): NewBlockInput => {
    const heading = /^# (.*)$/.exec(text)?.[1]
    return heading === undefined ? { text } : { type: 'HEADING_2', text: heading }
  })
  const { createBlocks } = await person.mutate(CreateBlocksDocument, { input: { pageId: page.id, blocks } })
  if (createBlocks.__typename !== 'CreatedBlocks') throw new Error(`The blocks came to ${JSON.stringify(createBlocks)}`)
  return {
    pageId: uuidIn(page.id),
    texts: new Map(createBlocks.blocks.map(({ id, text }) => [uuidIn(id), text])),
  }
}

/** A page, and the text of its blocks by their UUID. */
export interface Published {
  readonly pageId: string
  readonly texts: ReadonlyMap<string, string>
}

/** Each quotation stands in the block it names, on the page it names, and is said in the text. */
export function expectCited(answer: Answer, ...pages: Published[]): void {
  expect(answer.quotes.length).toBeGreaterThan(0)
  for (const [index, quote] of answer.quotes.entries()) {
    const { pageId, blockId } = answer.sources[index] ?? {}
    const page = pages.find((known) => known.pageId === pageId)
    expect(page?.texts.get(blockId ?? '')).toContain(quote)
    expect(answer.text).toContain(`“${quote}”`)
  }
}

/** What is said when no page is about it. */
export const nothing = 'I found nothing about this in the pages you may read.'
