import { inClass, pairedScripts } from './unspaced-scripts.ts'

/** A word to look for. */
export interface QuestionWord {
  readonly text: string
  /** Stands between spaces, so that a full-text parser finds it; other scripts are searched as they are written. */
  readonly isSpaced: boolean
}

const MAX_READ = 4_000
const MAX_WORDS = 16
const MAX_WORD_LENGTH = 60

const segmenter = new Intl.Segmenter('en', { granularity: 'word' })
const unspacedScript = new RegExp(`[${inClass(pairedScripts)}]`, 'u')
/** The time a segmenter takes grows with the square of a stretch without spaces. */
const piece = /\S{1,100}|\s+/gu
/** Addresses, paths and versions: the database knows them whole as well as in parts. */
const compound = /(?<![\p{L}\p{N}])[\p{L}\p{N}]+(?:[-@._/][\p{L}\p{N}]+)+/gu

// What people ask with, beside what Postgres leaves out of English by itself.
const stopWords = new Set(
  `a about after again all also am an and any are as ask at be because been before being below between both but by can
  could did do does doing don't during each else ever every explain few find for from further get give had has have
  having he hello help her here hers hey hi him his how i i'd i'm if in into is isn't it it's its just kindly know let's
  like look me more most my need no nor not now of off ok on once only or other our ours out over own please question
  said same say see shall she should show so some something still such summarise summarize tell than thank thanks that
  that's the their theirs them then there these they thing things this those through to too under until up us very want
  was we were what what's when where where's which while who who's whom whose why will with would yes you your yours`
    .concat(
      ' 的 了 是 吗 呢 吧 啊 有 在 和 与 及 或 我 你 他 她 它 们 我们 你们 他们 请 请问 什么 怎么 怎样 如何 为什么 为 何 哪',
    )
    .concat(
      ' 哪里 哪些 谁 多少 多长 多 长 几 这 那 个 吾 の は が を に へ と で も や か ね よ です ます した する いる ある どこ 何',
    )
    .concat(' だれ 誰 いつ どう どの なぜ いくら いくつ ください คือ ที่ และ ของ เป็น มี ไหม กี่ อะไร อย่างไร ใน')
    .split(/\s+/),
)

/**
 * The words of a question worth looking for, each once, in its order, at most 16; none when it only asks, unless the words
 * people ask with count as well.
 */
export function questionWords(
  question: string,
  { alsoStopWords = false }: { readonly alsoStopWords?: boolean } = {},
): QuestionWord[] {
  const read = question.slice(0, MAX_READ).toWellFormed().replaceAll('\0', ' ')
  const words = new Map<string, QuestionWord>()
  const isTelling = (word: string) => alsoStopWords || !stopWords.has(word)
  const add = (text: string, isSpaced: boolean) => {
    const key = text.toLowerCase()
    if (text.length <= MAX_WORD_LENGTH && words.size < MAX_WORDS && isTelling(key) && !words.has(key)) {
      words.set(key, { text: isSpaced ? key : text, isSpaced })
    }
  }
  const pieces = [...read.matchAll(piece)].flatMap(([text]) => [...segmenter.segment(text)])
  const segments = pieces.map(({ segment, isWordLike }) => (isWordLike ? segment : ''))
  const isUnspaced = (text: string) => unspacedScript.test(text)
  const isJoined = (text: string) => isUnspaced(text) && isTelling(text)
  for (const text of segments) if (text !== '' && !isUnspaced(text)) add(text.replaceAll('’', "'"), true)
  for (const [text] of read.matchAll(compound)) if (!isUnspaced(text)) add(text, true)
  for (const run of runsOf(segments, isJoined)) for (const text of unspacedWords(run)) add(text, false)
  return [...words.values()]
}

/** Stretches of neighbouring segments of scripts without spaces. */
function runsOf(segments: readonly string[], isJoined: (text: string) => boolean): string[][] {
  const runs: string[][] = [[]]
  for (const text of segments) {
    if (isJoined(text)) runs.at(-1)?.push(text)
    else runs.push([])
  }
  return runs
}

/**
 * A dictionary takes words it does not know apart into single characters, which stand everywhere: neighbours are put
 * together again two by two. Korean has spaces, but its particles cling to the words.
 */
function unspacedWords(run: readonly string[]): string[] {
  return run.flatMap((text, index) => {
    if ([...text].length > 1) return [text.replace(/(?<=\p{sc=Hang}{2})[은는이가을를의에도로와과]$/u, '')]
    const next = run[index + 1]
    if (next !== undefined && [...next].length === 1) return [text + next]
    const isAlone = index === 0 || [...(run[index - 1] ?? '')].length > 1
    return isAlone && /\p{sc=Han}/u.test(text) ? [text] : []
  })
}
