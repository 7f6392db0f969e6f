import { setTimeout as delay } from 'node:timers/promises'
import { questionWords } from '../../../lib/question-words.ts'
import { sentencesOf } from '../../../lib/sentences.ts'
import type { Context } from '../../../platform/context.ts'
import type { Model, ModelMessage, ModelPart } from '../../../platform/models.ts'
import { findPassages, matchWords, type Passage, placeWeights, type WeighedWord, weighWords } from './passage.reads.ts'

/** A sentence of a passage and how well it answers. */
interface Candidate {
  readonly passage: Passage
  readonly sentence: string
  /** Place of the sentence in all that was read. */
  readonly index: number
  readonly score: number
}

const MAX_QUOTES = 5
const MIN_QUOTES = 2
// What is read closely for one question, in characters: the nearest passages first.
const MAX_READ = 200_000
// Of the weight of the question's words, how much has to stand in or over a sentence: with less it is about something else.
const MIN_COVERAGE = 0.4
// A further sentence is quoted when it is nearly as good as the best one.
const NEARLY_AS_GOOD = 0.6
const NUMBER_BONUS = 0.3
const SAME_WORDS = 0.8
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
  async *stream(ctx, { messages }, signal) {
    signal.throwIfAborted()
    const { question, words } = await wordsAsked(ctx, messages, signal)
    if (words.length === 0) return yield* paced(says(nothingAsked), signal)
    const passages = await findPassages(ctx, words)
    signal.throwIfAborted()
    const quotes = chosen(await candidatesOf(ctx, question, words, passages))
    signal.throwIfAborted()
    yield* paced(quotes.length === 0 ? says(nothingFound) : answer(quotes), signal)
  },
}

/** What the last message asks about; when it has no words of its own ("and why?"), what the one before it did. */
async function wordsAsked(ctx: Context, messages: readonly ModelMessage[], signal: AbortSignal) {
  const asked = messages.filter(({ role }) => role === 'user').map(({ content }) => content)
  const question = asked.at(-1) ?? ''
  for (const text of asked.slice(-2).reverse()) {
    const words = await weighWords(ctx, questionWords(text))
    signal.throwIfAborted()
    if (words.length > 0) return { question, words }
  }
  return { question, words: [] }
}

/** The sentences of the passages that are about the question. */
async function candidatesOf(
  ctx: Context,
  question: string,
  words: readonly WeighedWord[],
  passages: readonly Passage[],
): Promise<Candidate[]> {
  const sentences = readable(passages).flatMap((passage) =>
    quotable(passage).map((sentence) => ({ passage, sentence })),
  )
  const contexts = [...new Set(passages.flatMap(({ title, heading }) => [title, heading]))]
  const texts = sentences.map(({ sentence }) => sentence)
  const matched = await matchWords(ctx, [...texts, ...contexts], words)
  const inContext = new Map(contexts.map((text, index) => [text, matched[texts.length + index]]))
  const total = words.reduce((sum, { weight }) => sum + weight, 0)
  const asksNumber = /\b(how (long|many|much|often|far|old|soon|late|early|big)|when)\b|多少|多长|几|何/i.test(question)
  return sentences.flatMap(({ passage, sentence }, index) => {
    let [coverage, score] = [0, 0]
    for (const [word, { weight }] of words.entries()) {
      const place = matched[index]?.has(word)
        ? placeWeights.text
        : inContext.get(passage.heading)?.has(word)
          ? placeWeights.heading
          : inContext.get(passage.title)?.has(word)
            ? placeWeights.title
            : 0
      if (place > 0) coverage += weight
      score += place * weight
    }
    if (coverage < MIN_COVERAGE * total) return []
    const bonus = asksNumber && /\p{N}|[一二三四五六七八九十百千]/u.test(sentence) ? NUMBER_BONUS * total : 0
    return [{ passage, sentence, index, score: score + bonus }]
  })
}

/** As many of the passages as are read closely. */
function readable(passages: readonly Passage[]): Passage[] {
  let read = 0
  return passages.filter(({ text }) => {
    read += text.length
    return read <= MAX_READ
  })
}

/** Program text is quoted by the line. A question answers none, least of all the same one. */
function quotable({ type, text }: Passage): string[] {
  const lines = type === 'CODE' ? text.split(/\r?\n/) : [text]
  return lines.flatMap((line) => sentencesOf(line)).filter((sentence) => !/[?？؟]\P{L}*$/u.test(sentence))
}

/** The best sentences, none said twice: those of the best page first, and of one page in the order they were found. */
function chosen(candidates: readonly Candidate[]): Candidate[] {
  const best = candidates.toSorted((a, b) => b.score - a.score || a.index - b.index)
  const quotes: Candidate[] = []
  for (const candidate of best) {
    if (quotes.length === MAX_QUOTES) break
    const isWeak = candidate.score < NEARLY_AS_GOOD * (best[0]?.score ?? 0)
    if (isWeak && quotes.length >= MIN_QUOTES) break
    if (quotes.every((quote) => !isNearly(quote.sentence, candidate.sentence))) quotes.push(candidate)
  }
  const byPage = [...Map.groupBy(quotes, ({ passage }) => passage.pageId).values()]
  return byPage.flat()
}

/** Whether two sentences say the same: nearly all words in common, and every number. */
function isNearly(one: string, other: string): boolean {
  const [a, b] = [wordSet(one), wordSet(other)]
  const common = a.intersection(b)
  const different = [...a.symmetricDifference(b)]
  return common.size >= SAME_WORDS * a.union(b).size && !different.some((word) => /\p{N}/u.test(word))
}

const segmenter = new Intl.Segmenter('en', { granularity: 'word' })

function wordSet(sentence: string): Set<string> {
  const segments = [...segmenter.segment(sentence.toLowerCase())]
  return new Set(segments.filter(({ isWordLike }) => isWordLike).map(({ segment }) => segment))
}

function* answer(quotes: readonly Candidate[]): Generator<ModelPart> {
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
