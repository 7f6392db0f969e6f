import { defineEntity, p } from '@mikro-orm/postgresql'
import type { Table } from './tables.ts'

export const TextChangeSchema = defineEntity({
  name: 'TextChange',
  tableName: 'text_change',
  // For `inTurn`.
  indexes: [{ properties: ['organizationId', 'id'] }],
  properties: {
    /** Of one row they rise in the order of the commits: whoever changes the row holds its lock. */
    id: p.bigint('number').primary().autoincrement(),
    // No foreign keys: a change is noted of what is gone as well.
    organizationId: p.uuid(),
    kind: p.string().length(8),
    subjectId: p.uuid(),
  },
})

/**
 * A row whose text was made, changed or deleted, until whoever keeps something that follows from it has caught up. Noted by
 * triggers in the change's own transaction, so that no way of writing a text can forget it; only ever added to, so that no
 * writer waits for another.
 */
export class TextChange extends TextChangeSchema.class {}
TextChangeSchema.setClass(TextChange)

declare module './tables.ts' {
  interface Tables {
    text_change: Table<typeof TextChangeSchema>
  }
}

/**
 * The trigger of a table whose rows are noted under this kind; of updates those alone that change one of the columns. A
 * further condition on updates is SQL over `new`.
 */
export function notingTextChanges(kind: string, columns: readonly string[], condition = 'true') {
  const values = (row: string) => columns.map((column) => `${row}.${column}`).join(', ')
  return {
    name: 'note_text',
    timing: 'after' as const,
    events: ['delete' as const, 'insert' as const, 'update' as const],
    forEach: 'row' as const,
    // Not a condition of the trigger itself, which Postgres would keep in other words than these.
    body: `if tg_op <> 'UPDATE' or (${condition} and (${values('old')}) is distinct from (${values('new')})) then insert into text_change (organization_id, kind, subject_id) values (coalesce(new.organization_id, old.organization_id), '${kind}', coalesce(new.id, old.id)); end if; return null`,
  }
}
