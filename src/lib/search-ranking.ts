/** What is ranked: a page, something on a page, or something in another place that is not ranked itself. */
interface Ranked {
  readonly id: string
  readonly kind: string
  /** The page or other place it stands in. */
  readonly homeId: string
}

/** A text that has some of the words of a search: by a bit for each, as they were written, and nearly so. */
export interface WordsMatched extends Ranked {
  readonly exact: number
  readonly near: number
  /** How many words it has in all. */
  readonly length: number
}

/** A part of a text whose meaning is near that of a search. */
export interface MeaningMatched extends Ranked {
  /** Cosine, from -1 to 1. */
  readonly similarity: number
  readonly start: number
}

/** How well something answers a search by its words and by its meaning, each from 0 to 1; null where it does not at all. */
export interface Scored extends Ranked {
  readonly lexical: number | null
  readonly semantic: number | null
  /** Where in its text the part begins that is nearest by meaning; 0 unless there is one. */
  readonly start: number
}

const PAGE = 'PAGE'

// A word that is nearly there, or begins there, counts less than one that is; so does one in the title over a text, and one
// that stands on a page but not in its title.
const NEAR = 0.6
const IN_TITLE_ABOVE = 0.5
const ON_THE_PAGE = 0.7
// How much longer texts count less, as in BM25 (its k1 and b, for a word that is there once), against one of as many words as
// a block has on average.
const SATURATION = 1.2
const MANY_TEXTS = 100_000
const LENGTH_WEIGHT = 0.4
const USUAL_LENGTH = 20
// What a page means: mostly what it is nearest by, and a little how much of it is near.
const NEAREST_PART = 0.7
const PARTS_OF_PAGE = 2
/** Below this similarity a text has nothing to do with the search. */
export const LEAST_SIMILARITY = 0.25

/** How much a word tells that is in so many texts: as in BM25 (its idf), of so many texts as a large organization has. */
export function wordWeight(count: number): number {
  return Math.log(1 + MANY_TEXTS / (1 + count))
}

/**
 * Scores texts by the words they have, each with its weight; and the pages they stand on by what stands there together. Words
 * that are nowhere count for nobody.
 */
export function scoreWords(matches: readonly WordsMatched[], weights: readonly number[]): Map<string, Scored> {
  const somewhere = matches.reduce((bits, { exact, near }) => bits | exact | near, 0)
  const total = weights.reduce((sum, weight, place) => (has(somewhere, place) ? sum + weight : sum), 0)
  const titles = new Map(matches.filter(({ kind }) => kind === PAGE).map((title) => [title.id, title]))
  const scores = new Map<string, Scored>()
  const pages = new Map<string, number[]>()
  const sum = (of: (place: number) => number) =>
    weights.reduce((all, weight, place) => all + weight * of(place), 0) / total
  for (const match of matches) {
    const title = match.kind === PAGE ? undefined : titles.get(match.homeId)
    const own = (place: number) => matchOf(match, place)
    const value = sum((place) => Math.max(own(place), IN_TITLE_ABOVE * matchOf(title, place))) * brevity(match.length)
    scores.set(match.id, { ...rankedOf(match), lexical: value, semantic: null, start: 0 })
    if (!isOnPage(match)) continue
    const best = pages.get(match.homeId) ?? weights.map(() => 0)
    const share = match.kind === PAGE ? 1 : ON_THE_PAGE
    pages.set(
      match.homeId,
      best.map((value, place) => Math.max(value, share * own(place))),
    )
  }
  for (const [id, best] of pages) {
    const value = sum((place) => best[place] ?? 0)
    const known = scores.get(id)?.lexical ?? 0
    scores.set(id, { id, kind: PAGE, homeId: id, lexical: Math.max(value, known), semantic: null, start: 0 })
  }
  return scores
}

/** Scores texts by the nearest of their parts; and the pages they stand on. */
export function scoreMeanings(matches: readonly MeaningMatched[]): Map<string, Scored> {
  const near = matches
    .filter(({ similarity }) => similarity >= LEAST_SIMILARITY)
    .toSorted((one, other) => other.similarity - one.similarity)
  const scores = new Map<string, Scored>()
  const pages = new Map<string, number[]>()
  for (const match of near) {
    const { similarity, start } = match
    if (!scores.has(match.id)) scores.set(match.id, { ...rankedOf(match), lexical: null, semantic: similarity, start })
    if (isOnPage(match)) pages.set(match.homeId, [...(pages.get(match.homeId) ?? []), similarity])
  }
  for (const [id, parts] of pages) {
    const [nearest = 0] = parts
    const mean = parts.slice(0, PARTS_OF_PAGE).reduce((sum, part) => sum + part, 0) / PARTS_OF_PAGE
    const semantic = NEAREST_PART * nearest + (1 - NEAREST_PART) * mean
    const known = scores.get(id)?.semantic ?? 0
    scores.set(id, { id, kind: PAGE, homeId: id, lexical: null, semantic: Math.max(semantic, known), start: 0 })
  }
  return scores
}

/** Things that are scored by either, each once: with both scores where it has both. */
export function merged(...scores: readonly ReadonlyMap<string, Scored>[]): Scored[] {
  const all = new Map<string, Scored>()
  for (const one of scores.flatMap((map) => [...map.values()])) {
    const known = all.get(one.id)
    const lexical = one.lexical ?? known?.lexical ?? null
    const semantic = one.semantic ?? known?.semantic ?? null
    all.set(one.id, { ...one, lexical, semantic, start: one.start + (known?.start ?? 0) })
  }
  return [...all.values()]
}

/** A thing in its place among all: its score is the sum of its shares, each from 0 for the worst to 1 for the best. */
export interface Placed extends Scored {
  readonly score: number
}

/** Orders things by the sum of both scores, each made 0 for none and 1 for the best of them; the better score wins a tie. */
export function placed(things: readonly Scored[]): Placed[] {
  const bestOf = (value: (thing: Scored) => number | null) => Math.max(...things.map((thing) => value(thing) ?? 0), 0)
  const bestLexical = bestOf(({ lexical }) => lexical)
  const bestSemantic = bestOf(({ semantic }) => semantic)
  const shares = Number(bestLexical > 0) + Number(bestSemantic > 0)
  // What is barely near by meaning adds nearly nothing: cosines of texts that have nothing in common are not 0.
  const share = (value: number | null, best: number, least: number) =>
    value === null || best <= least ? 0 : Math.max(0, value - least) / (best - least)
  return things
    .map((thing) => {
      const lexical = thing.lexical === null ? null : share(thing.lexical, bestLexical, 0)
      const semantic = thing.semantic === null ? null : share(thing.semantic, bestSemantic, LEAST_SIMILARITY)
      return { ...thing, lexical, semantic, score: ((lexical ?? 0) + (semantic ?? 0)) / Math.max(shares, 1) }
    })
    .toSorted((one, other) => other.score - one.score || (one.id < other.id ? -1 : 1))
}

function rankedOf({ id, kind, homeId }: Ranked): Ranked {
  return { id, kind, homeId }
}

function isOnPage({ kind }: Ranked): boolean {
  return kind === PAGE || kind === 'BLOCK'
}

function matchOf(match: WordsMatched | undefined, place: number): number {
  if (match === undefined) return 0
  return has(match.exact, place) ? 1 : has(match.near, place) ? NEAR : 0
}

function has(bits: number, place: number): boolean {
  return ((bits >>> place) & 1) === 1
}

/** 1 for a text of the usual length, more for a shorter one. */
function brevity(length: number): number {
  const relative = 1 - LENGTH_WEIGHT + (LENGTH_WEIGHT * length) / USUAL_LENGTH
  return (1 + SATURATION) / (1 + SATURATION * relative)
}
