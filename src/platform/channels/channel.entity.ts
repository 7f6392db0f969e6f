import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from '../database/tables.ts'

/** What JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** An object of JSON; a property that is undefined is left out when it is stored. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined }

export const ChannelHeadSchema = defineEntity({
  name: 'ChannelHead',
  tableName: 'channel_head',
  properties: {
    channel: p.text().primary(),
    epoch: p.text(),
    seq: p.bigint('number'),
  },
})

/** The end of a channel's log. Its row lock orders the writers; it outlives its events, so that no seq is given twice. */
export class ChannelHead extends ChannelHeadSchema.class {}
ChannelHeadSchema.setClass(ChannelHead)

export const ChannelEventSchema = defineEntity({
  name: 'ChannelEvent',
  tableName: 'channel_event',
  properties: {
    channel: p.text().primary(),
    seq: p.bigint('number').primary(),
    type: p.text(),
    payload: p.json<JsonObject>(),
    recordedAt: p.datetime().index(),
  },
})

/** One event of a channel's log. The seqs of a channel have no gap; only a beginning of them is ever deleted. */
export class ChannelEvent extends ChannelEventSchema.class {}
ChannelEventSchema.setClass(ChannelEvent)

declare module '../database/tables.ts' {
  interface Tables {
    channel_head: Table<typeof ChannelHeadSchema>
    channel_event: Table<typeof ChannelEventSchema>
  }
}
