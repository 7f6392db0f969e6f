import { sql } from 'kysely'
import { z } from 'zod'
import { canonicalJson, sha256Hex } from '../../../lib/hash.ts'
import {
  type MeaningMatched,
  merged,
  type Placed,
  placed,
  type Scored,
  scoreMeanings,
  scoreWords,
  wordWeight,
} from '../../../lib/search-ranking.ts'
import { defineNamespace } from '../../../platform/cache.ts'
import type { Context } from '../../../platform/context.ts'
import { BadRequest, Unavailable } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import { type AskedWord, askedWords } from './asked-words.reads.ts'
import { findLexical, type LexicalMatch } from './lexical.reads.ts'
import { findNearest, type NearestChunk } from './nearest.reads.ts'
import {
  type Findable,
  findableKinds,
  findFindable,
  type Homes,
  homesIn,
  isHome,
  isWithin,
  type SearchFilter,
} from './search-scope.reads.ts'
import { type SearchKind, searchKinds } from './search-text.entity.ts'

/** By words, by meaning, or by both. */
export const searchModes = ['LEXICAL', 'SEMANTIC', 'HYBRID'] as const
export type SearchMode = (typeof searchModes)[number]

/** What is looked for. */
export interface Search {
  readonly query: string
  readonly mode: SearchMode
  readonly filter: SearchFilter
}

/** Something that was found. */
export interface SearchHit {
  readonly id: string
  readonly kind: SearchKind
  readonly projectId: string | null
  /** From 0 to 1, against the best that was found; so are its shares, null where it was not found that way. */
  readonly score: number
  readonly lexical: number | null
  readonly semantic: number | null
  /** Where the part of its text begins that is nearest by meaning, in UTF-16 units. */
  readonly start: number
  /** Its place among what was found, from 0. */
  readonly place: number
}

/** A search that nothing is remembered of. */
export interface Ranking {
  /** The words it is for, looked up when they are first asked for. */
  readonly words: () => Promise<readonly AskedWord[]>
  /**
   * What answers it, best first, as far as the viewer may read it now, and the audience of the context.
   * @throws {Unavailable} when it can only be found by meaning, and that is not to be had just now
   */
  readonly rank: () => Promise<readonly SearchHit[]>
}

/** What a search found, best first, as far as the viewer may read it now. */
export interface Found extends Pick<Ranking, 'words'> {
  /** The name under which it is remembered, of the viewer's own. */
  readonly id: string
  readonly hits: readonly SearchHit[]
}

/** What is found by one search at most. */
export const MAX_HITS = 300
const NEAREST_CHUNKS = 100
/** Places for searches of one person, of 20 KB each: one whose place another has taken is found anew as it is gone on with. */
const REMEMBERED_EACH = 100
/** Of all people: somebody who searches alone gets each place once before the first is taken again. */
let searches = 0
/** What a model reads of a search, in UTF-16 units: some 60 words. */
const MAX_EMBEDDED_LENGTH = 400

/** As one text, which takes a quarter of the memory. */
const remembered = defineNamespace({ name: 'searches', schema: z.string() })

/** In order; without names, since it is many of them: each an id, a kind, a score and its shares, and where to begin. */
const rememberedHits = z.array(
  z.tuple([z.uuid(), z.enum(searchKinds), z.number(), z.number().nullable(), z.number().nullable(), z.number()]),
)

/**
 * Finds what answers a search. With the name of an earlier one by the same viewer it is that one gone on with, in its order
 * for as long as it is remembered, whatever was written since: but for what the viewer may no longer read. One is remembered when
 * more is found than the first page of this size shows.
 * @throws {Unauthenticated} @throws {BadRequest} when it can only be found by meaning, and nothing is
 * @throws {Unavailable} the same, when that is not to be had just now
 */
export async function search(
  ctx: Context,
  wanted: Search,
  { earlier, size }: { readonly earlier: string | null; readonly size: number },
): Promise<Found> {
  const version = versionOf(ctx, wanted)
  const { cache } = ctx.platform
  const { userId } = requireViewer(ctx)
  const keyOf = (id: string) => `${userId}/${id}`
  const { words, rank } = rankingOf(ctx, wanted)
  if (earlier === null) {
    const id = String(searches++ % REMEMBERED_EACH)
    const hits = await rank()
    if (hits.length > size) await cache.put(remembered, keyOf(id), version, textOf(hits))
    return { id, hits, words }
  }
  const load = async () => textOf(await rank())
  const text = await cache.read(remembered, keyOf(earlier), version, load).catch((error: unknown) => {
    ctx.signal.throwIfAborted()
    if (error instanceof Unavailable || error instanceof BadRequest) throw error
    // Another request for the same, which this one waited for, went away.
    return load()
  })
  const hits = rememberedHits.parse(JSON.parse(text)).map(([id, kind, score, lexical, semantic, start], place) => {
    return { id, kind, score, lexical, semantic, start, place }
  })
  const findable = new Map((await findFindable(ctx, wanted.filter, idsOf(hits))).map((thing) => [thing.id, thing]))
  const still = hits.flatMap((hit) => {
    const thing = findable.get(hit.id)
    return thing === undefined ? [] : [{ ...hit, projectId: thing.projectId }]
  })
  return { id: earlier, hits: still, words }
}

function textOf(hits: readonly SearchHit[]): string {
  const short = (share: number) => Number(share.toFixed(4))
  const shortOrNone = (share: number | null) => (share === null ? null : short(share))
  const rows: z.output<typeof rememberedHits> = hits.map(({ id, kind, score, lexical, semantic, start }) => {
    return [id, kind, short(score), shortOrNone(lexical), shortOrNone(semantic), start]
  })
  return JSON.stringify(rows)
}

/** What a search is for and who searches: nobody goes on with another's, and no program with what its owner may read alone. */
function versionOf(ctx: Context, { query, mode, filter }: Search): string {
  const { userId, organizationId } = requireViewer(ctx)
  const { updatedFrom, updatedBefore, ...plain } = filter
  const times = [updatedFrom, updatedBefore].map((time) => time?.toISOString() ?? null)
  const read = readKinds(ctx, filter)
  return sha256Hex(canonicalJson({ userId, organizationId, query, mode, ...plain, times, read }))
}

/** Prepares a search of which nothing is to be remembered; nothing is read until it is asked for. */
export function rankingOf(ctx: Context, wanted: Search): Ranking {
  const { query, filter } = wanted
  const homes = once(() => homesIn(ctx, filter, readKinds(ctx, filter)))
  const words = once(async () => askedWords(ctx, query, await homes(), findableKinds(ctx, { ...filter, kinds: [] })))
  return { words, rank: () => rankHits(ctx, wanted, { homes, words }) }
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** What a search goes by, read when it is first asked for. */
interface Grounds extends Pick<Ranking, 'words'> {
  readonly homes: () => Promise<Homes>
}

async function rankHits(
  ctx: Context,
  { query, mode, filter }: Search,
  grounds: Grounds,
): Promise<readonly SearchHit[]> {
  const kinds = findableKinds(ctx, filter)
  const read = readKinds(ctx, filter)
  if (mode === 'SEMANTIC' && ctx.platform.embedder === null)
    throw new BadRequest('This server finds nothing by meaning.')
  if (kinds.length === 0 || query.trim() === '') return []
  const [spelled, meant] = await Promise.all([
    mode === 'SEMANTIC' ? [] : findSpelled(ctx, grounds, filter, read),
    mode === 'LEXICAL' ? [] : findMeant(ctx, grounds, { query, mode, filter }, read),
  ])
  const findable = await findableAmong(ctx, filter, [...spelled, ...meant])
  const weights = spelled.length === 0 ? [] : (await grounds.words()).map(({ count }) => wordWeight(count))
  const scored = merged(scoreWords(asTheyAre(spelled, findable), weights), scoreMeanings(asTheyAre(meant, findable)))
  const isFindable = ({ id, kind }: Scored) => findable.has(id) && kinds.some((wanted) => wanted === kind)
  const best = placed(scored.filter(isFindable)).slice(0, MAX_HITS)
  return best.flatMap((hit, place) => {
    const thing = findable.get(hit.id)
    return thing === undefined ? [] : [hitOf(hit, thing.kind, thing.projectId, place)]
  })
}

/** What is looked at to find what the filter is for: a page is also found by what stands on it. */
function readKinds(ctx: Context, filter: SearchFilter): readonly SearchKind[] {
  const kinds = findableKinds(ctx, filter)
  return kinds.includes('PAGE') ? findableKinds(ctx, { ...filter, kinds: [...kinds, 'BLOCK'] }) : kinds
}

function hitOf(hit: Placed, kind: SearchKind, projectId: string | null, place: number): SearchHit {
  const { id, score, lexical, semantic, start } = hit
  return { id, kind, projectId, score, lexical, semantic, start, place }
}

function idsOf(things: readonly { readonly id: string; readonly kind: string }[]) {
  const of = (kind: SearchKind) => things.filter((thing) => thing.kind === kind).map(({ id }) => id)
  return { PAGE: of('PAGE'), BLOCK: of('BLOCK'), MESSAGE: of('MESSAGE') }
}

type Match = Pick<MeaningMatched, 'id' | 'kind' | 'homeId'>

/** What of these, and of the pages they stood on, may be found as it is now; by its id. */
async function findableAmong(
  ctx: Context,
  filter: SearchFilter,
  matches: readonly Match[],
): Promise<ReadonlyMap<string, Findable>> {
  const ids = idsOf(matches)
  const pages = new Set([...ids.PAGE, ...matches.flatMap(({ kind, homeId }) => (kind === 'BLOCK' ? homeId : []))])
  const things = await findFindable(ctx, filter, { ...ids, PAGE: [...pages] })
  return new Map(things.map((thing) => [thing.id, thing]))
}

/**
 * Those that may be found, where they stand now: others would be measured by what may not, and a page that something has left
 * would be found by it.
 */
function asTheyAre<One extends Match>(matches: readonly One[], findable: ReadonlyMap<string, Findable>): One[] {
  return matches.flatMap((match) => {
    const thing = findable.get(match.id)
    return thing === undefined ? [] : [{ ...match, homeId: thing.homeId }]
  })
}

async function findSpelled(
  ctx: Context,
  { homes, words }: Grounds,
  filter: SearchFilter,
  kinds: readonly SearchKind[],
): Promise<readonly LexicalMatch[]> {
  return findLexical(ctx, await words(), await homes(), filter, kinds)
}

async function findMeant(
  ctx: Context,
  grounds: Grounds,
  { query, mode, filter }: Search,
  kinds: readonly SearchKind[],
): Promise<readonly MeaningMatched[]> {
  const chunks = await nearest(ctx, grounds, { query, filter }, kinds).catch((error: unknown) => {
    ctx.signal.throwIfAborted()
    ctx.platform.log.warn({ err: error, requestId: ctx.request.id }, 'a search went without its meaning')
    if (mode === 'SEMANTIC') throw new Unavailable()
    return []
  })
  return chunks.map(({ subjectId, ...chunk }) => ({ ...chunk, id: subjectId }))
}

async function nearest(
  ctx: Context,
  { homes }: Grounds,
  { query, filter }: Pick<Search, 'query' | 'filter'>,
  kinds: readonly SearchKind[],
): Promise<readonly NearestChunk[]> {
  const { embedder } = ctx.platform
  const text = query.slice(0, MAX_EMBEDDED_LENGTH).toWellFormed()
  if (embedder === null || !embedder.reads(text, null)) return []
  const [vector] = await embedder.embed([text], { signal: ctx.signal, urgentFor: requireViewer(ctx).userId })
  if (vector === undefined) return []
  const places = await homes()
  const within = isWithin('chunk', isHome(sql`chunk.home_id`, places), filter, kinds)
  const isNarrow = places.few !== null
  return findNearest(ctx, { modelId: embedder.id, vector, limit: NEAREST_CHUNKS, within, isNarrow })
}
