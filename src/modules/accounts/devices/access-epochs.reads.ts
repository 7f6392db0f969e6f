import { type Kysely, sql } from 'kysely'
import type { EpochIds } from '../../../platform/context.ts'
import type { Tables } from '../../../platform/database/tables.ts'

/** The access epochs of a person, an organization and projects, by id: one statement by primary keys. */
export async function accessEpochs(
  db: Kysely<Tables>,
  { userId, organizationId, projectIds }: EpochIds,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ id: string; epoch: number }>`
    select id, access_epoch as epoch from "user" where id = ${userId}
    union all select id, access_epoch from organization where id = ${organizationId}
    union all select id, access_epoch from project where id = any(${projectIds}::uuid[])`.execute(db)
  return new Map(rows.map(({ id, epoch }) => [id, epoch]))
}
