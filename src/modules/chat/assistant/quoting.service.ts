import { sentencesOf } from '../../../lib/sentences.ts'
import type { Context } from '../../../platform/context.ts'
import { isInNearPart, type Sentence, similaritiesTo } from './nearness.reads.ts'
import { type Passage, placeWeights } from './passage.reads.ts'
import { emptyWords, matchWords, type WeighedWord } from './word.reads.ts'

/** What is asked, and the words to look for in it. */
export interface Question {
  readonly text: string
  readonly words: readonly WeighedWord[]
}

/** A sentence that answers. */
export interface Quote {
  readonly passage: Passage
  readonly sentence: string
}

interface Candidate extends Quote {
  readonly score: number
}

/** How well the words of a question match, as parts of all there is to match. */
interface Match {
  /** Of the weight of the words, how much stands in or over the sentence. */
  readonly coverage: number
  /** The same, where a word counts by its place, and guesses count too. */
  readonly score: number
}

const MAX_QUOTES = 5
const MIN_QUOTES = 2
// What is read closely for one question, in characters: the nearest passages first.
const MAX_READ = 100_000
// With less of the question's words in or over a sentence, it is about something else; with less than so many it may be, and
// what it means tells.
const MIN_COVERAGE = 0.4
const SURE_COVERAGE = 0.7
// Of the embedded model, in the demo workspace: 30 questions about anything else were as near as 0.51 to one of its sentences, and
// what it says in other words is asked for at 0.5 to 0.7. Of what has half of the words, the right is at 0.37 and more, and
// nearly all that is wrong below 0.3.
const NEAR = 0.55
const NOT_FAR = 0.3
/** Sentences that are compared because their words may not do. */
const MAX_UNSURE = 16
const GUESS_WEIGHT = 0.6
// A further sentence is quoted when it is nearly as good as the best one.
const NEARLY_AS_GOOD = 0.6
const NUMBER_BONUS = 0.3
const SAME_WORDS = 0.8

/** The sentences of the passages that answer a question best, at most 5; none when none is about it. */
export async function quotesFor(
  ctx: Context,
  question: Question,
  passages: readonly Passage[],
  signal: AbortSignal,
): Promise<readonly Quote[]> {
  const sentences = readable(passages).flatMap(quotable)
  const matches = await matchesOf(ctx, sentences, question.words)
  signal.throwIfAborted()
  const similarities = await similaritiesTo(ctx, question.text, worthComparing(sentences, matches), signal)
  const asksNumber = /\b(how (long|many|much|often|far|old|soon|late|early|big)|when)\b|多少|多长|几|何/i.test(
    question.text,
  )
  const candidates = sentences.flatMap((sentence, index) => {
    const { coverage, score } = matches[index] ?? { coverage: 0, score: 0 }
    const similarity = similarities.get(sentence)
    const isMeant = coverage >= SURE_COVERAGE || similarity === undefined || similarity >= NOT_FAR
    const byWords = coverage >= MIN_COVERAGE && isMeant ? score : 0
    const byMeaning = similarity !== undefined && similarity >= NEAR ? similarity : 0
    const best = Math.max(byWords, byMeaning)
    if (best === 0) return []
    const bonus = asksNumber && /\p{N}|[一二三四五六七八九十百千]/u.test(sentence.text) ? NUMBER_BONUS : 0
    return [{ passage: sentence.passage, sentence: sentence.text, score: best + bonus }]
  })
  return chosen(candidates)
}

/** What is near by meaning, and what has some of the words and may be about something else; what matters most comes first. */
function worthComparing(sentences: readonly Sentence[], matches: readonly Match[]): Sentence[] {
  const unsure = sentences
    .map((sentence, index) => ({ sentence, coverage: 0, score: 0, ...matches[index] }))
    .filter(({ coverage }) => coverage >= MIN_COVERAGE && coverage < SURE_COVERAGE)
    .toSorted((one, other) => other.score - one.score)
    .map(({ sentence }) => sentence)
  return [...new Set([...unsure.slice(0, MAX_UNSURE), ...sentences.filter(isInNearPart), ...unsure])]
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
function quotable(passage: Passage): Sentence[] {
  const { type, text, language } = passage
  const lines = type === 'CODE' ? text.split(/\r?\n/) : [text]
  let end = 0
  const sentences = lines
    .flatMap((line) => sentencesOf(line))
    .map((sentence) => {
      const start = text.indexOf(sentence, end)
      end = start + sentence.length
      return { passage, text: sentence, language, start }
    })
  return sentences.filter(({ text }) => !/[?？؟]\P{L}*$/u.test(text))
}

/** How well the words match each of the sentences, with what stands over it. */
async function matchesOf(
  ctx: Context,
  sentences: readonly Sentence[],
  words: readonly WeighedWord[],
): Promise<Match[]> {
  const passages = [...new Set(sentences.map(({ passage }) => passage))]
  const above = passages.flatMap(({ title, heading, language }) => [title, heading].map((text) => ({ text, language })))
  const matched = await matchWords(ctx, [...sentences, ...above], words)
  const empty = await emptyWords(ctx, sentences, words)
  const contexts = new Map(
    passages.map((passage, index) => {
      const [title, heading] = matched.slice(sentences.length + 2 * index)
      return [passage, { title, heading }]
    }),
  )
  return sentences.map(({ passage }, index) => {
    const context = contexts.get(passage)
    let [total, coverage, score] = [0, 0, 0]
    for (const [word, { weight, isGuess }] of words.entries()) {
      if (empty[index]?.has(word) && !matched[index]?.has(word)) continue
      const place = matched[index]?.has(word)
        ? placeWeights.text
        : context?.heading?.has(word)
          ? placeWeights.heading
          : context?.title?.has(word)
            ? placeWeights.title
            : 0
      total += weight
      if (place > 0 && !isGuess) coverage += weight
      score += place * weight * (isGuess ? GUESS_WEIGHT : 1)
    }
    return total === 0 ? { coverage: 0, score: 0 } : { coverage: coverage / total, score: score / total }
  })
}

/** The best sentences, none said twice: those of the best page first, and of one page in the order they were found. */
function chosen(candidates: readonly Candidate[]): readonly Quote[] {
  const best = candidates.toSorted((a, b) => b.score - a.score)
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
