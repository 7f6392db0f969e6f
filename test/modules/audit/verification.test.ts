import { expect } from 'vitest'
import { databaseTrail, type Trail, type Unsealed } from '../../../src/modules/audit/chain.reads.ts'
import { type ChainHead, chained, genesis, headSigner, signHead } from '../../../src/modules/audit/chain.service.ts'
import { verifyTrail } from '../../../src/modules/audit/verification.service.ts'
import type { JsonObject } from '../../../src/platform/channels/channel.entity.ts'
import { newUuid } from '../../../src/platform/uuid.ts'
import { testSecrets } from '../../kit/lane.ts'
import { createRandom, type Random } from '../../kit/random.ts'
import type { TestServer } from '../../kit/server.ts'
import { test } from '../../kit/test.ts'

const signer = headSigner(Buffer.from(testSecrets.SIGNING_KEY_SECRET, 'base64'))
const EVENTS = 40
const ROUNDS = 1_000

interface Seal {
  readonly seq: number
  readonly hash: string
  readonly eventId: string
}

/** A copy of one chain, as somebody has it who can write to every table but has no secret. */
interface Copy {
  events: JsonObject[]
  seals: Seal[]
  head: ChainHead | null
}

/** A chain as the server wrote and sealed it. */
async function exported(server: TestServer): Promise<Copy & { chain: string; head: ChainHead }> {
  const { database, clock } = server.app.platform
  const chain = newUuid(clock.now())
  const rows = Array.from({ length: EVENTS }, (_, index) => {
    const at = new Date(clock.now().getTime() + index)
    return {
      id: newUuid(at),
      organization_id: chain,
      actor: `user_${index % 3}`,
      on_behalf_of: index % 5 === 0 ? 'user_x' : null,
      action: 'page.create',
      target: `page_${index}`,
      outcome: index % 7 === 0 ? ('denied' as const) : ('allowed' as const),
      address: '127.0.0.1',
      request_id: `request-${index}`,
      at,
    }
  })
  await database.unscoped.insertInto('audit_event').values(rows).execute()
  const trail = databaseTrail(database.unscoped)
  await expect.poll(async () => (await Array.fromAsync(trail.unsealed(chain))).flat()).toEqual([])
  const links = (await Array.fromAsync(trail.links(chain))).flat()
  const head = await trail.head(chain)
  if (head === null) throw new Error('The chain has no head')
  return { chain, events: links.map(({ event }) => event ?? {}), seals: links, head }
}

function trailOf(chain: string, { events, seals, head }: Copy): Trail {
  const byId = new Map(events.map((event) => [event.id, event]))
  const sealed = new Set(seals.map(({ eventId }) => eventId))
  const unsealed = events.filter(({ id }) => !sealed.has(String(id)))
  return {
    chains: async () => [chain],
    head: async () => head,
    links: async function* () {
      yield seals
        .toSorted((one, other) => one.seq - other.seq)
        .map((seal) => ({ ...seal, event: byId.get(seal.eventId) ?? null }))
    },
    unsealed: async function* (): AsyncGenerator<readonly Unsealed[]> {
      yield unsealed.map(({ id, at }) => ({ eventId: String(id), at: new Date(String(at)), exists: true }))
    },
  }
}

async function faultsOf(chain: string, copy: Copy, kept: readonly ChainHead[] = [], now = later): Promise<string[]> {
  const verification = { signer, now, kept: new Map([[chain, kept]]) }
  const reports = await Array.fromAsync(verifyTrail(trailOf(chain, copy), verification))
  return reports.flatMap(({ faults }) => faults.map(({ kind }) => kind))
}
const later = new Date(8.64e15)

/** One thing somebody might do to a copy, each with the care of hiding it that `rechain` takes. */
const tamperings: Readonly<Record<string, (copy: Copy, random: Random) => void>> = {
  'an edit': ({ events }, random) => {
    const index = random.below(events.length)
    const columns = [
      'actor',
      'action',
      'target',
      'outcome',
      'address',
      'request_id',
      'at',
      'on_behalf_of',
      'organization_id',
    ]
    const column = random.pick(columns)
    events[index] = { ...events[index], [column]: random.chance(0.5) ? undefined : `other-${random.below(9)}` }
    if (JSON.stringify(events[index]) === JSON.stringify(copyOf[index])) events[index] = { ...events[index], more: 'x' }
  },
  'an edit of a seal': ({ seals }, random) => {
    const index = random.below(seals.length)
    const seal = seals[index] as Seal
    seals[index] = { ...seal, hash: seals[index - 1]?.hash ?? genesis }
  },
  'a deletion of an event': ({ events }, random) => void events.splice(random.below(events.length), 1),
  'a deletion of a seal': ({ seals }, random) => void seals.splice(random.below(seals.length), 1),
  'a deletion of both': ({ events, seals }, random) => {
    const index = random.below(events.length)
    events.splice(index, 1)
    seals.splice(index, 1)
  },
  'a deletion of both that closes the gap': (copy, random) => {
    const index = random.below(copy.events.length)
    copy.events.splice(index, 1)
    copy.seals.splice(index, 1)
    copy.seals = copy.seals.map((seal, place) => ({ ...seal, seq: place + 1 }))
  },
  'a swap of contents': ({ events }, random) => {
    const [one, other] = two(events, random)
    const [first, second] = [events[one], events[other]]
    events[one] = { ...second, id: first?.id }
    events[other] = { ...first, id: second?.id }
  },
  'a swap of places': ({ seals }, random) => {
    const [one, other] = two(seals, random)
    const [first, second] = [seals[one], seals[other]] as [Seal, Seal]
    seals[one] = { ...first, seq: second.seq }
    seals[other] = { ...second, seq: first.seq }
  },
  'a swap of events': ({ seals }, random) => {
    const [one, other] = two(seals, random)
    const [first, second] = [seals[one], seals[other]] as [Seal, Seal]
    seals[one] = { ...first, eventId: second.eventId }
    seals[other] = { ...second, eventId: first.eventId }
  },
  'a truncation': (copy, random) => {
    const left = random.below(copy.seals.length)
    copy.seals.splice(left)
    if (random.chance(0.8)) copy.events.splice(left)
  },
  'a truncation, the head with it': (copy, random) => {
    const left = 1 + random.below(copy.seals.length - 1)
    copy.seals.splice(left)
    copy.events.splice(left)
    copy.head = random.chance(0.3) || copy.head === null ? null : { ...copy.head, ...(copy.seals.at(-1) as Seal) }
  },
  'an insertion in the middle': (copy, random) => {
    const index = random.below(copy.events.length)
    const id = newUuid(new Date(random.below(2 ** 31)))
    copy.events.splice(index, 0, { ...copy.events[index], id })
    copy.seals.splice(index, 0, { ...(copy.seals[index] as Seal), eventId: id })
    copy.seals = copy.seals.map((seal, place) => ({ ...seal, seq: place + 1 }))
  },
}
let copyOf: readonly JsonObject[] = []

function two(items: readonly unknown[], random: Random): [number, number] {
  const one = random.below(items.length)
  const other = random.below(items.length - 1)
  return [one, other < one ? other : other + 1]
}

/** Makes every seal fit what is there now, which anybody can, and the head say so, which only the secret can sign. */
function rechain(chain: string, copy: Copy): void {
  const byId = new Map(copy.events.map((event) => [event.id, event]))
  let end = { chain, seq: 0, hash: genesis }
  copy.seals = copy.seals
    .toSorted((one, other) => one.seq - other.seq)
    .map(({ eventId }) => {
      end = chained(end, byId.get(eventId) ?? {})
      return { eventId, seq: end.seq, hash: end.hash }
    })
  if (copy.head !== null) copy.head = { ...copy.head, ...end }
}

test('of a thousand edits, deletions, reorderings and truncations of a copy all are found', async ({ server }) => {
  const { chain, ...whole } = await exported(server)
  copyOf = whole.events
  const random = createRandom()
  const missed: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const copy: Copy = { events: [...whole.events], seals: [...whole.seals], head: whole.head }
    const name = random.pick(Object.keys(tamperings))
    tamperings[name]?.(copy, random)
    // To hide a changed seal would be to put it right.
    const isHidden = name !== 'an edit of a seal' && random.chance(0.4)
    if (isHidden) rechain(chain, copy)
    if ((await faultsOf(chain, copy)).length === 0)
      missed.push(`${name}${isHidden ? ', hidden' : ''} in round ${round}`)
  }
  expect(missed, `seed ${random.seed}`).toEqual([])
  // The server's own copy, untouched: on its own, and beside the head that was kept.
  expect(await faultsOf(chain, whole)).toEqual([])
  expect(await faultsOf(chain, whole, [whole.head])).toEqual([])
})

test('each fault is told by its name and place', async ({ server }) => {
  const { chain, ...whole } = await exported(server)
  const [first, second, third] = whole.seals as [Seal, Seal, Seal]
  const { events, seals, head } = whole
  const without = (seal: Seal) => ({ seals: seals.filter((one) => one !== seal) })
  const last = seals.at(-1) as Seal
  const cases: [Partial<Copy>, object[]][] = [
    [
      { events: events.map((event) => (event.id === second.eventId ? { ...event, actor: 'user_y' } : event)) },
      [{ kind: 'EVENT_CHANGED', seq: 2, eventId: second.eventId }],
    ],
    [
      { events: events.filter(({ id }) => id !== third.eventId) },
      [{ kind: 'EVENT_DELETED', seq: 3, eventId: third.eventId }],
    ],
    [{ ...without(first), events: events.slice(1) }, [{ kind: 'SEALS_DELETED', seq: 1 }]],
    [{ ...without(last), events: events.slice(0, -1) }, [{ kind: 'CUT_OFF', seq: last.seq }]],
    [without(last), [{ kind: 'CUT_OFF' }, { kind: 'NOT_SEALED', eventId: last.eventId }]],
    [{ head: null }, [{ kind: 'HEAD_BEHIND', seq: last.seq }]],
    [{ head: { ...head, signature: '0'.repeat(128) } }, [{ kind: 'HEAD_FORGED', seq: last.seq }]],
    [
      { head: signHead(headSigner(Buffer.alloc(32, 'x')), { chain, seq: last.seq, hash: last.hash }, head.signedAt) },
      [{ kind: 'HEAD_FORGED' }],
    ],
    [{ head: signHead(signer, { chain, seq: 1, hash: first.hash }, head.signedAt) }, [{ kind: 'HEAD_BEHIND' }]],
  ]
  for (const [change, faults] of cases) {
    const trail = trailOf(chain, { ...whole, ...change })
    const [report] = await Array.fromAsync(verifyTrail(trail, { signer, now: later }))
    expect(report?.faults, JSON.stringify(faults)).toMatchObject(faults)
    expect(report?.faultCount).toBe(faults.length)
  }
})

test('a trail set back together with its head is found by a head that was kept', async ({ server }) => {
  const { chain, ...whole } = await exported(server)
  const [first] = whole.seals as [Seal]
  const before = signHead(signer, { chain, seq: 1, hash: first.hash }, whole.head.signedAt)
  const setBack = { events: whole.events.slice(0, 1), seals: [first], head: before }
  expect(await faultsOf(chain, setBack)).toEqual([])
  expect(await faultsOf(chain, setBack, [before])).toEqual([])
  expect(await faultsOf(chain, setBack, [before, whole.head])).toEqual(['DIFFERS_FROM_KEPT'])
  const nothing = { events: [], seals: [], head: null }
  expect(await faultsOf(chain, nothing)).toEqual([])
  expect(await faultsOf(chain, nothing, [whole.head])).toEqual(['DIFFERS_FROM_KEPT'])
  const other = signHead(signer, { chain, seq: 1, hash: genesis }, whole.head.signedAt)
  expect(await faultsOf(chain, whole, [other])).toEqual(['DIFFERS_FROM_KEPT'])
  expect(await faultsOf(chain, whole, [before, other])).toEqual(['DIFFERS_FROM_KEPT'])
  expect(await faultsOf(chain, whole, [{ ...whole.head, seq: 1 }])).toEqual(['KEPT_FORGED'])
})

test('what waits for its seal is no fault for a minute', async ({ server }) => {
  const { chain, ...whole } = await exported(server)
  const at = new Date()
  const events = [...whole.events, { id: newUuid(at), at: at.toISOString() }]
  const after = (seconds: number) => new Date(at.getTime() + seconds * 1_000)
  expect(await faultsOf(chain, { ...whole, events }, [], after(60))).toEqual([])
  expect(await faultsOf(chain, { ...whole, events }, [], after(61))).toEqual(['NOT_SEALED'])
})
