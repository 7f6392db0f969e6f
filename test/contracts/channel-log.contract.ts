import { expect, test } from 'vitest'
import { beforeAnyLog, nowhere } from '../../src/lib/cursor.ts'
import {
  appendEvents,
  type ChannelRetention,
  type NewChannelEvent,
  readChannel,
  readHeads,
  trimChannels,
} from '../../src/platform/channels/log.ts'
import { type ChannelsRig, commit, newChannel, newSeed, numbered, positionAt, seededRandom } from './channels-rig.ts'

const day = 86_400_000
const keepAll = { olderThan: new Date(0), keepPerChannel: 1_000_000 }

/** What every log of domain events promises. */
export function channelLogContract(rig: () => ChannelsRig): void {
  const sql = () => rig().database.unscoped
  const trimAll = async (retention: ChannelRetention) => {
    while ((await trimChannels(sql(), retention)) > 0);
  }

  test('a batch is one statement whatever its size, and keeps the order of each channel', async () => {
    const { database } = rig()
    const channels = [newChannel(), newChannel(), newChannel()]
    const events = Array.from({ length: 24_000 }, (_, n) => numbered(channels[n % 3] ?? '', Math.floor(n / 3) + 1))
    const before = database.statementCount()
    const heads = await appendEvents(sql(), events, new Date())
    expect(database.statementCount() - before).toBe(1)
    expect(new Map(heads.map((head) => [head.channel, head.seq]))).toEqual(
      new Map(channels.map((name) => [name, 8_000])),
    )
    for (const channel of channels) {
      const { items } = await readChannel(sql(), channel, await positionAt(database, channel, 7_000), 2_000)
      expect(items.map((item) => [item.seq, item.payload.n])).toEqual(
        Array.from({ length: 1_000 }, (_, index) => [7_001 + index, 7_001 + index]),
      )
    }
  })

  test('no events are no statement', async () => {
    const before = rig().database.statementCount()
    expect(await appendEvents(sql(), [], new Date())).toEqual([])
    expect(rig().database.statementCount()).toBe(before)
  })

  test('an event comes back as it was written', async () => {
    const channel = newChannel()
    const payload = {
      text: 'a "quoted" \\ line\n',
      list: [1, null, { deep: true }],
      empty: {},
      emoji: '🌊',
      none: undefined,
    }
    const now = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 789)
    await appendEvents(sql(), [{ channel, type: 'page.moved', payload }], now)
    const { items } = await readChannel(sql(), channel, beforeAnyLog, 10)
    const { none: _, ...stored } = payload
    expect(items).toEqual([{ channel, seq: 1, type: 'page.moved', payload: stored, recordedAt: now }])
  })

  test('text that Postgres has no character for is replaced, not refused', async () => {
    const channel = newChannel()
    const payload = { text: 'a\0b\ud800c', list: ['\udc00'], escaped: '\\ud800 \\u0000', emoji: '🌊' }
    await appendEvents(sql(), [{ channel, type: 'typed', payload }], new Date())
    const { items } = await readChannel(sql(), channel, beforeAnyLog, 10)
    expect(items[0]?.payload).toEqual({ ...payload, text: 'a\ufffdb\ufffdc', list: ['\ufffd'] })
  })

  test('nothing of a rolled-back transaction remains, not even a gap', async () => {
    const channel = newChannel()
    await commit(rig().database, channel, 1)
    const change = sql()
      .transaction()
      .execute(async (transaction) => {
        await appendEvents(transaction, [numbered(channel, 99), numbered(newChannel(), 99)], new Date())
        throw new Error('refused')
      })
    await expect(change).rejects.toThrow('refused')
    await commit(rig().database, channel, 2)
    const { items, head } = await readChannel(sql(), channel, beforeAnyLog, 10)
    expect(items.map((item) => item.payload.n)).toEqual([1, 2])
    expect(head).toBe(2)
  })

  test('the order of seqs is the order of commits under 20 parallel writers of overlapping channels', async () => {
    const random = seededRandom(newSeed('parallel writers'))
    const channels = Array.from({ length: 5 }, newChannel)
    const written = new Set<number>()
    let watching = true
    const watch = async () => {
      // A reader that sees a head sees all before it: no seq is given out whose predecessor may still come.
      while (watching) {
        for (const channel of channels)
          expect(await readChannel(sql(), channel, beforeAnyLog, 5_000)).toMatchObject({ continuous: true })
      }
    }
    const write = async (writer: number) => {
      for (let round = 0; round < 10; round++) {
        const id = writer * 100 + round
        const events = shuffled(channels, random)
          .slice(0, 2 + Math.floor(random() * 3))
          .flatMap((channel): NewChannelEvent[] =>
            Array.from({ length: 1 + Math.floor(random() * 2) }, () => ({ channel, type: 'written', payload: { id } })),
          )
        const refused = random() < 0.2
        const change = sql()
          .transaction()
          .execute(async (transaction) => {
            await appendEvents(transaction, events, new Date())
            if (refused) throw new Error('refused')
          })
        if (refused) await expect(change).rejects.toThrow('refused')
        else await change.then(() => written.add(id))
      }
    }
    const watcher = watch()
    try {
      await Promise.all(Array.from({ length: 20 }, (_, writer) => write(writer)))
    } finally {
      watching = false
    }
    await watcher
    await expectOneOrder(channels, written)
  })

  /** Two transactions that met on several channels have the same order on all of them; only committed ones are there. */
  async function expectOneOrder(channels: readonly string[], written: ReadonlySet<number>): Promise<void> {
    const logs = await Promise.all(channels.map((channel) => readChannel(sql(), channel, beforeAnyLog, 5_000)))
    const orders = logs.map((log) => [...new Set(log.items.map((item) => Number(item.payload.id)))])
    expect(new Set(orders.flat())).toEqual(written)
    for (const order of orders) {
      for (const other of orders) {
        const both = new Set(order.filter((id) => other.includes(id)))
        expect(other.filter((id) => both.has(id))).toEqual(order.filter((id) => both.has(id)))
      }
    }
  }

  test('a slice is continuous only if nothing can be missing', async () => {
    const { database } = rig()
    const channel = newChannel()
    await commit(database, channel, 1, 5)
    const here = await positionAt(database, channel, 5)
    const read = (epoch: string | null, seq: number) => readChannel(sql(), channel, { epoch, seq }, 3)
    expect(await read(here.epoch, 1)).toMatchObject({
      continuous: true,
      head: 5,
      epoch: here.epoch,
      items: [{ seq: 2 }, { seq: 3 }, { seq: 4 }],
    })
    expect(await read(here.epoch, 5)).toMatchObject({ continuous: true, head: 5, items: [] })
    expect(await read(null, 0)).toMatchObject({ continuous: true, items: [{ seq: 1 }, { seq: 2 }, { seq: 3 }] })
    const broken = { continuous: false, head: 5, epoch: here.epoch, items: [] }
    expect(await read(here.epoch, 6)).toEqual(broken)
    expect(await read('another', 2)).toEqual(broken)
    expect(await read(null, 2)).toEqual(broken)
    expect(await readChannel(sql(), channel, nowhere, 3)).toEqual(broken)
    expect(await readChannel(sql(), channel, null, 3)).toEqual({ ...broken, continuous: true })
    expect(await readChannel(sql(), newChannel(), here, 3)).toEqual({
      continuous: false,
      head: 0,
      epoch: null,
      items: [],
    })
    expect(await readChannel(sql(), newChannel(), beforeAnyLog, 3)).toEqual({
      continuous: true,
      head: 0,
      epoch: null,
      items: [],
    })
  })

  test('a reader 5,000 events behind catches up, one 5,001 behind does not', async () => {
    const { database } = rig()
    const channel = newChannel()
    await commit(database, channel, 1, 5_001)
    expect(await readChannel(sql(), channel, await positionAt(database, channel, 1), 1)).toMatchObject({
      continuous: true,
      items: [{ seq: 2 }],
    })
    expect(await readChannel(sql(), channel, beforeAnyLog, 1)).toMatchObject({
      continuous: false,
      items: [],
      head: 5_001,
    })
  })

  test('the heads of many channels are one statement', async () => {
    const { database } = rig()
    const channels = [newChannel(), newChannel(), newChannel()]
    await commit(database, channels[0] ?? '', 1, 3)
    await commit(database, channels[1] ?? '', 1)
    const before = database.statementCount()
    const heads = await readHeads(sql(), channels)
    expect(database.statementCount() - before).toBe(1)
    expect([...heads].map(([channel, { seq }]) => [channel, seq]).sort()).toEqual(
      [
        [channels[0], 3],
        [channels[1], 1],
      ].sort(),
    )
  })

  test('retention deletes old events in batches and leaves the head, so that no seq is given twice', async () => {
    const channel = newChannel()
    const old = new Date(Date.now() - 8 * day)
    await appendEvents(
      sql(),
      Array.from({ length: 25 }, (_, n) => numbered(channel, n + 1)),
      old,
    )
    await commit(rig().database, channel, 26, 30)
    const retention = { ...keepAll, olderThan: new Date(Date.now() - 7 * day), batchSize: 10 }
    expect([await trimChannels(sql(), retention), await trimChannels(sql(), retention)]).toEqual([10, 10])
    expect([await trimChannels(sql(), retention), await trimChannels(sql(), retention)]).toEqual([5, 0])
    const at = (seq: number) => positionAt(rig().database, channel, seq)
    expect(await readChannel(sql(), channel, await at(24), 10)).toMatchObject({ continuous: false, head: 30 })
    expect(await readChannel(sql(), channel, await at(25), 10)).toMatchObject({
      continuous: true,
      items: [{ seq: 26 }, { seq: 27 }, { seq: 28 }, { seq: 29 }, { seq: 30 }],
    })
    await trimAll({ ...keepAll, olderThan: new Date(Date.now() + day) })
    expect(await readChannel(sql(), channel, await at(30), 10)).toMatchObject({ continuous: true, items: [] })
    expect(await readChannel(sql(), channel, await at(29), 10)).toMatchObject({ continuous: false, items: [] })
    expect(await commit(rig().database, channel, 31)).toMatchObject([{ seq: 31 }])
  })

  test('retention keeps so many events of a channel and all of a smaller one', async () => {
    const { database } = rig()
    const [large, small] = [newChannel(), newChannel()]
    await commit(database, large, 1, 40)
    await commit(database, small, 1, 10)
    await trimAll({ ...keepAll, keepPerChannel: 15 })
    expect(await readChannel(sql(), large, await positionAt(database, large, 24), 1)).toMatchObject({
      continuous: false,
    })
    expect(await readChannel(sql(), large, await positionAt(database, large, 25), 1)).toMatchObject({
      continuous: true,
    })
    expect(await readChannel(sql(), small, beforeAnyLog, 100)).toMatchObject({ continuous: true, head: 10 })
  })

  test('one batch of retention is bounded over all channels', async () => {
    for (const channel of [newChannel(), newChannel(), newChannel()]) await commit(rig().database, channel, 1, 8)
    await trimAll(keepAll)
    const all = { ...keepAll, olderThan: new Date(Date.now() + day) }
    expect(await trimChannels(sql(), { ...all, batchSize: 10 })).toBe(10)
    expect(await trimChannels(sql(), { ...keepAll, keepPerChannel: 1, batchSize: 5 })).toBe(5)
  })

  test('retention makes no hole when the clocks of two writers disagree', async () => {
    const { database } = rig()
    const channel = newChannel()
    const old = new Date(Date.now() - 8 * day)
    await commit(database, channel, 1)
    await appendEvents(sql(), [numbered(channel, 2)], old)
    await commit(database, channel, 3)
    await trimAll({ ...keepAll, olderThan: new Date(Date.now() - 7 * day) })
    const left = await sql().selectFrom('channel_event').select('seq').where('channel', '=', channel).execute()
    expect(left).toEqual([{ seq: 3 }])
  })
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
