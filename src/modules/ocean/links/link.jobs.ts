import { z } from 'zod'
import { createContext, type Platform } from '../../../platform/context.ts'
import { transact } from '../../../platform/database/transact.ts'
import { defineJob } from '../../../platform/jobs.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { followTexts } from './found-links.service.ts'

/** Blocks of one transaction, so that none holds many rows for long. */
const BLOCKS_AT_ONCE = 50

/**
 * Makes the links of blocks what their texts say. A block that is due no more is left alone: so the job may run again, and
 * one that comes late does no harm.
 */
export const findLinks = defineJob({
  name: 'ocean.find-links',
  schema: z.object({ organizationId: z.uuid(), blockIds: z.array(z.uuid()) }),
  expireSeconds: 60,
  run: async (platform: Platform, { organizationId, blockIds }, signal) => {
    const ids = blockIds.toSorted()
    for (let start = 0; start < ids.length && !signal.aborted; start += BLOCKS_AT_ONCE) {
      const held = await follow(platform, organizationId, ids.slice(start, start + BLOCKS_AT_ONCE))
      // One at a time: whoever waits for a row while holding others can be waited for.
      for (const id of held) if (!signal.aborted) await follow(platform, organizationId, [id])
    }
    signal.throwIfAborted()
  },
})

/** Blocks of one run, and how old they are: what is younger has its job. */
const LOST_BLOCKS = 1_000
const LOST_AFTER_MILLIS = 600_000

/** Looks again for the links of texts whose job was lost, or given up: until it is done once. */
export const findLostLinks = defineJob({
  name: 'ocean.find-lost-links',
  schema: z.object({}),
  expireSeconds: 60,
  schedule: '29 * * * *',
  run: async (platform: Platform) => {
    const before = new Date(platform.clock.now().getTime() - LOST_AFTER_MILLIS)
    await asServer(platform, async (tx) => {
      const lost = await tx.unscoped
        .selectFrom('block')
        .select(['id', 'organization_id as organizationId'])
        .where('is_linking_due', '=', true)
        .where('updated_at', '<', before)
        .orderBy('updated_at')
        .limit(LOST_BLOCKS)
        .execute()
      for (const [organizationId, blocks] of Map.groupBy(lost, (block) => block.organizationId)) {
        const blockIds = blocks.map(({ id }) => id)
        // Each by itself, so that one that cannot be read does not keep the others from it.
        for (const id of blockIds) await tx.enqueue(findLinks, { organizationId, blockIds: [id] })
      }
    })
  },
})

/** Answers those that somebody else holds just now; a single one is waited for. */
function follow(platform: Platform, organizationId: string, blockIds: readonly string[]): Promise<readonly string[]> {
  return asServer(platform, (tx) => followTexts(tx, { organizationId, blockIds }, platform.log))
}

function asServer<Result>(platform: Platform, work: Parameters<typeof transact<Result>>[1]): Promise<Result> {
  const request = { id: newUuid(platform.clock.now()), address: null, userAgent: null }
  const viewer = { kind: 'anonymous' as const, reason: null }
  return transact(createContext(platform, { viewer, request, signal: new AbortController().signal }), work)
}
