import { z } from 'zod'
import type { NewChannelEvent } from '../../../platform/channels/log.ts'
import { circuitStates } from '../../../platform/circuit.ts'
import type { Transaction } from '../../../platform/database/transact.ts'

/** Why a person should look at what happens to their account. */
export const alertKinds = ['REFRESH_TOKEN_REUSED', 'NEW_DEVICE', 'PASSWORD_CHANGED', 'PASSWORD_RESET'] as const
export type AlertKind = (typeof alertKinds)[number]

/** What is said on a person's own channel. */
const viewerChannelEvents = z.discriminatedUnion('type', [
  z.object({ type: z.literal('SecurityAlert'), kind: z.enum(alertKinds), deviceSessionId: z.uuid().nullable() }),
  z.object({ type: z.literal('DeviceSessionEnded'), deviceSessionId: z.uuid() }),
  z.object({ type: z.literal('ProjectEntered'), projectId: z.uuid(), userId: z.uuid() }),
  z.object({ type: z.literal('ViewerUpdated') }),
  z.object({ type: z.literal('CircuitChanged'), name: z.string(), state: z.enum(circuitStates) }),
])

/** One thing that happened to a person's account. */
export type ViewerChannelEvent = z.infer<typeof viewerChannelEvents>

/** The channel of what happens to a person, in whatever organization they act. */
export function viewerChannel(userId: string): string {
  return `user/${userId}`
}

/** What is to be recorded of something that happened to a person. */
export function viewerEvent(userId: string, { type, ...payload }: ViewerChannelEvent): NewChannelEvent {
  return { channel: viewerChannel(userId), type, payload }
}

/** An event as it was recorded, perhaps by older code; null when it is none that this code knows, but newer code may. */
export function viewerChannelEvent(event: Pick<NewChannelEvent, 'type' | 'payload'>): ViewerChannelEvent | null {
  return viewerChannelEvents.safeParse({ ...event.payload, type: event.type }).data ?? null
}

/**
 * Says on the person's channel what happened and moves their access epoch on, as part of the change's transaction: open
 * streams on all nodes look again at what they may, and nothing cached of them counts any more.
 *
 * Takes the lock of the person's row, which comes before those of their sessions, or two changes could wait for each
 * other for ever.
 */
export async function tellViewer(
  tx: Pick<Transaction, 'unscoped' | 'record' | 'movedOn'>,
  userId: string,
  ...events: readonly ViewerChannelEvent[]
): Promise<void> {
  await tx.unscoped
    .updateTable('user')
    .set((on) => ({ access_epoch: on('access_epoch', '+', 1) }))
    .where('id', '=', userId)
    .execute()
  tx.movedOn(userId)
  for (const event of events) tx.record(viewerEvent(userId, event))
}
