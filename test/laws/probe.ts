import type { Person } from '../kit/people.ts'

/** Types with ids of their own. */
export const nouns = [
  'User',
  'Organization',
  'Membership',
  'Invitation',
  'DeviceSession',
  'AuditEvent',
  'ApiKey',
  'Agent',
  'Project',
  'ProjectMember',
  'Page',
  'Block',
  'Tag',
  'Link',
  'ChatSession',
  'Message',
  'ToolCall',
] as const
export type Noun = (typeof nouns)[number]
/** One id of each. */
export type Ids = Readonly<Record<Noun, string>>

/** How a root field is asked by somebody who should learn and change nothing through it. */
export interface Probe {
  /** What every id it takes is an id of, by the schema coordinate of the place. */
  readonly ids: Readonly<Record<string, readonly Noun[]>>
  /** The variables of one call; `id` answers what stands in a place, `own` is the caller's, `word` is in all the victim wrote. */
  readonly variables?: (id: (place: string) => string, own: Ids, word: string) => object
  /** Calls without an id of anybody's. */
  readonly alone?: (victim: Person) => readonly object[]
  /** It looks for texts: see strangers-search.ts. */
  readonly isSearch?: true
  /** What callers who are not signed in are answered: a refusal, unless the field is meant for them too. */
  readonly anonymous?: 'null' | 'a fact' | 'accepted'
  /** A call with the caller's own ids spends what they are of: each gets new ones. */
  readonly spends?: true
  /** Nobody is to succeed with it, its own person neither: the call is a wrong one. */
  readonly isRefused?: true
  /** The same where there is no fact to answer: the call comes to null or an error for everybody. */
  readonly comesToNothing?: true
  /** Places where an id that does not belong there comes to a fact of the input, whoever's it is, and so is no refusal. */
  readonly facts?: readonly string[]
  /** For administrators of the platform, of whom none is asked: forbidden to everybody, whatever the id. */
  readonly isForbidden?: true
  /** It answers the ids that members of the caller's organization named when they were refused, as `targetId`. */
  readonly repeatsTargets?: true
  /** The action of the row that each call without ids leaves in the victim's own audit trail: by nobody known, denied. */
  readonly tells?: string
}

/** Which places of a probe hold an id of the victim's, and what of theirs it is an id of. */
export type Mixture = ReadonlyMap<string, Noun>

/** Each place alone, with each of its nouns; and if there are several, all at once, each with nouns of its own. */
export function mixturesOf(ids: Probe['ids']): Mixture[] {
  const places = Object.entries(ids)
  const alone = places.flatMap(([place, ownNouns]) => ownNouns.map((noun) => new Map([[place, noun]])))
  if (places.length < 2) return alone
  const rounds = Math.max(...places.map(([, ownNouns]) => ownNouns.length))
  const together = Array.from(
    { length: rounds },
    (_, round) => new Map(places.map(([place, ownNouns]) => [place, ownNouns[round % ownNouns.length] ?? 'Page'])),
  )
  return [...alone, ...together]
}

/** The idempotency key under which the victim made what they have. */
export const theirKey = 'the-key-of-the-victim'
