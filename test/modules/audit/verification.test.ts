import { expect } from 'vitest'
import { databaseTrail, type HeadRecord, type Trail, type Unsealed } from '../../../src/modules/audit/chain.reads.ts'
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
  readonly chain: string
  events: JsonObject[]
  seals: Seal[]
  head: ChainHead | null
  /** Of its head, in the chain of no organization. */
  readonly records: readonly HeadRecord[]
}

/** A chain as the server wrote and sealed it. */
async function exported(server: TestServer): Promise<Copy & { head: ChainHead }> {
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
  const records = (await Array.fromAsync(trail.recorded(chain))).flat()
  return { chain, events: links.map(({ event }) => event ?? {}), seals: links, head, records }
}

function trailOf({ chain, events, seals, head, records }: Copy): Trail {
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
    recorded: async function* () {
      yield records.map((record) => ({ ...record, found: seals.find(({ seq }) => seq === record.seq)?.hash ?? null }))
    },
    unsealed: async function* (): AsyncGenerator<readonly Unsealed[]> {
      yield unsealed.map(({ id, at }) => ({ eventId: String(id), at: new Date(String(at)), exists: true }))
    },
  }
}

async function faultsOf(copy: Copy, kept: readonly ChainHead[] = [], now = later): Promise<string[]> {
  const verification = { signer, now, kept: new Map([[copy.chain, kept]]) }
  const reports = await Array.fromAsync(verifyTrail(trailOf(copy), verification))
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
  'a deletion of the whole chain': (copy) => {
    copy.events = []
    copy.seals = []
    copy.head = null
  },
  'a truncation to a head that was signed': (copy, random) => {
    const left = random.below(copy.seals.length)
    copy.events.splice(left)
    copy.seals.splice(left)
    copy.head = signHead(signer, { chain: copy.chain, seq: 0, hash: genesis, ...copy.seals.at(-1) }, new Date())
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
function rechain(copy: Copy): void {
  const byId = new Map(copy.events.map((event) => [event.id, event]))
  let end = { chain: copy.chain, seq: 0, hash: genesis }
  copy.seals = copy.seals
    .toSorted((one, other) => one.seq - other.seq)
    .map(({ eventId }) => {
      end = chained(end, byId.get(eventId) ?? {})
      return { eventId, seq: end.seq, hash: end.hash }
    })
  if (copy.head !== null) copy.head = { ...copy.head, ...end }
}

test('of a thousand edits, deletions, reorderings and truncations of a copy all are found', async ({ server }) => {
  const whole = await exported(server)
  copyOf = whole.events
  const random = createRandom()
  const missed: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const copy: Copy = { ...whole, events: [...whole.events], seals: [...whole.seals] }
    const name = random.pick(Object.keys(tamperings))
    tamperings[name]?.(copy, random)
    // To hide a changed seal would be to put it right.
    const isHidden = name !== 'an edit of a seal' && random.chance(0.4)
    if (isHidden) rechain(copy)
    if ((await faultsOf(copy)).length === 0) missed.push(`${name}${isHidden ? ', hidden' : ''} in round ${round}`)
  }
  expect(missed, `seed ${random.seed}`).toEqual([])
  // The server's own copy, untouched: on its own, and beside the head that was kept.
  expect(await faultsOf(whole)).toEqual([])
  expect(await faultsOf(whole, [whole.head])).toEqual([])
})

test('each fault is told by its name and place', async ({ server }) => {
  const whole = await exported(server)
  const [first, second, third] = whole.seals as [Seal, Seal, Seal]
  const { chain, events, seals, head } = whole
  const without = (seal: Seal) => ({ seals: seals.filter((one) => one !== seal) })
  const last = seals.at(-1) as Seal
  const differs = { kind: 'DIFFERS_FROM_RECORDED', seq: last.seq, eventId: whole.records[0]?.eventId }
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
    [{ ...without(last), events: events.slice(0, -1) }, [{ kind: 'CUT_OFF', seq: last.seq }, differs]],
    [without(last), [{ kind: 'CUT_OFF' }, differs, { kind: 'NOT_SEALED', eventId: last.eventId }]],
    [{ head: null }, [{ kind: 'HEAD_BEHIND', seq: last.seq }]],
    [{ head: { ...head, signature: '0'.repeat(128) } }, [{ kind: 'HEAD_FORGED', seq: last.seq }]],
    [
      { head: signHead(headSigner(Buffer.alloc(32, 'x')), { chain, seq: last.seq, hash: last.hash }, head.signedAt) },
      [{ kind: 'HEAD_FORGED' }],
    ],
    [{ head: signHead(signer, { chain, seq: 1, hash: first.hash }, head.signedAt) }, [{ kind: 'HEAD_BEHIND' }]],
  ]
  for (const [change, faults] of cases) {
    const trail = trailOf({ ...whole, ...change })
    const [report] = await Array.fromAsync(verifyTrail(trail, { signer, now: later }))
    expect(report?.faults, JSON.stringify(faults)).toMatchObject(faults)
    expect(report?.faultCount).toBe(faults.length)
  }
})

test('a trail set back together with its head is found by the record of its head, and all of it by a head that was kept', async ({
  server,
}) => {
  const whole = await exported(server)
  const { chain } = whole
  const [first] = whole.seals as [Seal]
  const before = signHead(signer, { chain, seq: 1, hash: first.hash }, whole.head.signedAt)
  const setBack = { ...whole, events: whole.events.slice(0, 1), seals: [first], head: before }
  const nothing = { ...whole, events: [], seals: [], head: null }
  expect(await faultsOf(setBack)).toEqual(['DIFFERS_FROM_RECORDED'])
  expect(await faultsOf(nothing)).toEqual(['DIFFERS_FROM_RECORDED'])
  // As if the chain of no organization had been set back as well.
  const records: HeadRecord[] = []
  expect(await faultsOf({ ...setBack, records })).toEqual([])
  expect(await faultsOf({ ...setBack, records }, [before])).toEqual([])
  expect(await faultsOf({ ...setBack, records }, [before, whole.head])).toEqual(['DIFFERS_FROM_KEPT'])
  expect(await faultsOf({ ...nothing, records })).toEqual([])
  expect(await faultsOf({ ...nothing, records }, [whole.head])).toEqual(['DIFFERS_FROM_KEPT'])
  const other = signHead(signer, { chain, seq: 1, hash: genesis }, whole.head.signedAt)
  expect(await faultsOf(whole, [other])).toEqual(['DIFFERS_FROM_KEPT'])
  expect(await faultsOf(whole, [before, other])).toEqual(['DIFFERS_FROM_KEPT'])
  expect(await faultsOf(whole, [{ ...whole.head, seq: 1 }])).toEqual(['KEPT_FORGED'])
})

test('what waits for its seal is no fault for a minute', async ({ server }) => {
  const whole = await exported(server)
  const at = new Date()
  const events = [...whole.events, { id: newUuid(at), at: at.toISOString() }]
  const after = (seconds: number) => new Date(at.getTime() + seconds * 1_000)
  expect(await faultsOf({ ...whole, events }, [], after(60))).toEqual([])
  expect(await faultsOf({ ...whole, events }, [], after(61))).toEqual(['NOT_SEALED'])
})
