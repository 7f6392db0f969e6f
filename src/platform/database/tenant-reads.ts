import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import type { Role } from '../access.ts'
import type { Tables } from './tables.ts'

/** Tables whose rows belong to an organization. */
export type TenantTable = {
  [Name in keyof Tables & string]: Tables[Name] extends { organization_id: string } ? Name : never
}[keyof Tables & string]

/** Tables whose rows belong to nobody in particular: accounts, organizations themselves, the platform's own. */
export type SharedTable = Exclude<keyof Tables & string, TenantTable>

/** Whose eyes reads are made for: predicates on what they may see go by these. All null for nobody. */
export interface Reader {
  /** The organization the reads are bound to; null finds nothing. */
  readonly organizationId: string | null
  /** Whose memberships count. */
  readonly userId: string | null
  /** In the organization. */
  readonly role: Role | null
}

/** Reads that cannot leave the viewer's organization by accident: the predicate is part of how a table is reached. */
export interface TenantReads extends Reader {
  /** Who sees what is read beside the reader: predicates hold for each of them as well. */
  readonly audience: readonly Reader[]
  from<Name extends TenantTable>(table: Name): SelectQueryBuilder<Tables, Name, object>
  /** A table without an organization. Which of its rows a viewer may see is for the noun's own reads to say. */
  shared<Name extends SharedTable>(table: Name): SelectQueryBuilder<Tables, Name, object>
}

/** Binds reads to one reader's organization, on the pool or inside a transaction. */
export function tenantReads(db: Kysely<Tables>, reader: Reader, audience: readonly Reader[] = []): TenantReads {
  const { organizationId } = reader
  // The table's name is not known here, so Kysely cannot see its columns; the types above promise this one.
  const anyTable = db as unknown as Kysely<{ table: { organization_id: string } }>
  return {
    ...reader,
    audience,
    from: (table) => {
      const query = anyTable.selectFrom(table as 'table')
      return (
        organizationId === null
          ? query.where(sql<boolean>`false`)
          : query.where(sql.ref<string>(`${table}.organization_id`), '=', organizationId)
      ) as never
    },
    shared: (table) => anyTable.selectFrom(table as 'table') as never,
  }
}
