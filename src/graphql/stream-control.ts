import type { Context } from '../platform/context.ts'
import type { Log } from '../platform/log.ts'
import { builder } from './builder.ts'

/** Why a subscription ended for good. */
export type EndReason = 'ACCESS_REMOVED' | 'SESSION_ENDED' | 'RESOURCE_DELETED' | 'SERVER_RESTART'

/** Members of every subscription's union. */
export type StreamControl =
  | { readonly type: 'ResyncRequired'; readonly cursor: string }
  | { readonly type: 'SubscriptionEnded'; readonly reason: EndReason }

/** Says that something is missing before `cursor`. */
export function resyncRequired(cursor: string): StreamControl {
  return { type: 'ResyncRequired', cursor }
}

/** What stands for an event that only newer code understands: whoever reads again sees what came of it. */
export function unknownEvent({ platform }: Context, type: string, cursor: string): StreamControl {
  warnOnce(platform.log, type)
  return resyncRequired(cursor)
}

const warnedTypes = new WeakMap<Log, Set<string>>()

function warnOnce(log: Log, type: string): void {
  const warned = warnedTypes.get(log) ?? new Set()
  warnedTypes.set(log, warned)
  if (warned.has(type)) return
  warned.add(type)
  log.warn({ type }, 'events of an unknown type: subscribers are told to read again')
}

const EndReasonRef = builder.enumType('EndReason', {
  description: 'Why a subscription ended for good.',
  values: {
    ACCESS_REMOVED: { description: 'You may no longer see what you followed.' },
    SESSION_ENDED: { description: 'Your session has ended, or was not refreshed within 25 s after its access token.' },
    RESOURCE_DELETED: { description: 'What you followed was deleted.' },
    SERVER_RESTART: {
      description:
        'The server stops, or could not find out for a minute whether you may still see this. Subscribe again with your last cursor; nothing is lost.',
    },
  } as const,
})

/** Part of every subscription's union. */
export const SubscriptionEndedRef = builder
  .objectRef<Extract<StreamControl, { type: 'SubscriptionEnded' }>>('SubscriptionEnded')
  .implement({
    description: 'The last thing a subscription says before it completes.',
    fields: (t) => ({
      reason: t.field({
        type: EndReasonRef,
        description: 'What ended it, and so whether to come back.',
        resolve: (ended) => ended.reason,
      }),
    }),
  })

/** Part of every subscription's union. */
export const ResyncRequiredRef = builder
  .objectRef<Extract<StreamControl, { type: 'ResyncRequired' }>>('ResyncRequired')
  .implement({
    description:
      'What happened since your cursor cannot be told without a gap. Read the object again; events go on from `cursor`.',
    fields: (t) => ({
      cursor: t.field({
        type: 'Cursor',
        description: 'The place events go on from.',
        resolve: (resync) => resync.cursor,
      }),
    }),
  })
