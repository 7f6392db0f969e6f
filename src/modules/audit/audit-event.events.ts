import { z } from 'zod'
import type { NewChannelEvent } from '../../platform/channels/log.ts'

/** What is said on an organization's audit channel: ids only, since every reader loads with today's rights. */
const auditChannelEvents = z.discriminatedUnion('type', [
  z.object({ type: z.literal('AuditEventRecorded'), auditEventId: z.uuid() }),
])

/**
 * The channel of an organization's sealed events. Only the sealer records on it: a channel's head is a row lock, and one
 * that every writer took would make the writers of an organization wait for each other.
 */
export function auditChannel(organizationId: string): string {
  return `${organizationId}/audit`
}

/** Says that an event was written and sealed. */
export function auditEventRecorded(organizationId: string, auditEventId: string): NewChannelEvent {
  return { channel: auditChannel(organizationId), type: 'AuditEventRecorded', payload: { auditEventId } }
}

/** An event as it was recorded, perhaps by older code; null when it is none that this code knows, but newer code may. */
export function auditChannelEvent(event: Pick<NewChannelEvent, 'type' | 'payload'>) {
  return auditChannelEvents.safeParse({ ...event.payload, type: event.type }).data ?? null
}
