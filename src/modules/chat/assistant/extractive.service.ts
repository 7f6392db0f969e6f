import { setTimeout as delay } from 'node:timers/promises'
import { questionWords } from '../../../lib/question-words.ts'
import type { Model, ModelMessage, ModelPart } from '../../../platform/models.ts'
import { rankingOf } from '../search/search.service.ts'
import type { SearchFilter } from '../search/search-scope.reads.ts'
import { findPassages } from './passage.reads.ts'
import { type Quote, quotesFor } from './quoting.service.ts'
import { weighed } from './word.reads.ts'

const filter: SearchFilter = {
  kinds: ['PAGE', 'BLOCK'],
  projectId: null,
  tagId: null,
  createdById: null,
  updatedFrom: null,
  updatedBefore: null,
  isArchived: null,
}
const WORD_MILLIS = 15

const nothingFound = 'I found nothing about this in the pages you may read.'
const nothingAsked = 'Ask me about something that may stand in your pages: I found no word in this to look for.'

/**
 * Answers with sentences quoted from the viewer's pages, each with its citation, `{ pageId, blockId }`; needs no key and
 * no network. It does not write anything itself, so what it says stands in a page the viewer may read.
 */
export const extractiveModel: Model = {
  id: 'embedded/extractive',
  name: 'Quotes from your pages',
  providerId: 'embedded',
  contextWindow: null,
  capabilities: [],
  maxOutputTokens: null,
  thinksOnTop: false,
  fallbackIds: [],
  isConfigured: true,
  async *stream(ctx, { messages }, signal) {
    signal.throwIfAborted()
    const text = textAsked(messages)
    if (text === null) return yield* paced(says(nothingAsked), signal)
    const { words, rank } = rankingOf(ctx, { query: text, mode: 'HYBRID', filter })
    const question = { text, words: weighed(await words()) }
    signal.throwIfAborted()
    const hits = await rank()
    signal.throwIfAborted()
    const passages = await findPassages(ctx, hits, question.words)
    signal.throwIfAborted()
    const quotes = await quotesFor(ctx, question, passages, signal)
    yield* paced(quotes.length === 0 ? says(nothingFound) : answer(quotes), signal)
  },
}

/** The last message; when it has no words of its own ("and why?"), the one before it; null when that has none either. */
function textAsked(messages: readonly ModelMessage[]): string | null {
  const asked = messages.flatMap((message) => (message.role === 'user' ? [message.content] : []))
  return asked.slice(-2).findLast((content) => questionWords(content).length > 0) ?? null
}

function* answer(quotes: readonly Quote[]): Generator<ModelPart> {
  yield* says('From your pages:\n')
  for (const { passage, sentence } of quotes) {
    yield* says(`\n- ${passage.title || 'Untitled'}: “${sentence}”`)
    const { pageId, blockId } = passage
    yield { type: 'citation', source: { pageId, blockId }, quote: sentence }
  }
}

/** Text by the word, each with the space behind it; where no spaces are, in pieces as long as a word. */
function* says(text: string): Generator<ModelPart> {
  for (const [piece] of text.matchAll(/\S{1,24}\s*|\s+/gu)) yield { type: 'text', text: piece }
}

/**
 * Everything is known at once, and still comes as from a model that thinks while it speaks: a client that was built on
 * this one has met streaming, stopping and a cut connection before it meets a model that costs money.
 */
async function* paced(parts: Iterable<ModelPart>, signal: AbortSignal): AsyncGenerator<ModelPart, void> {
  for (const part of parts) {
    if (part.type === 'text') await delay(WORD_MILLIS, undefined, { signal })
    yield part
  }
}
