import { tagNameKey } from '../../../lib/tag-name.ts'
import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { authorIdOf, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { violatedConstraint } from '../../../platform/database/violated-constraint.ts'
import { EditConflict, InvalidInput, NotFound, UserError } from '../../../platform/errors.ts'
import { pass, requireAction, requireGrant, requireViewer } from '../../../platform/gate.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { Tag } from './tag.entity.ts'
import { findTag, type TagRow } from './tag.reads.ts'

/** How many tags an organization has at most. */
export const MAX_TAGS = 1_000

/** Another tag of the organization has this name, in whatever case. */
export class TagNameTaken extends UserError {
  readonly code = 'TAG_NAME_TAKEN'
  constructor() {
    super('There is a tag of this name already.')
  }
}

/** A new tag. */
export interface CreateTag {
  readonly name: string
  readonly color: string
  readonly idempotencyKey: string | null
}

/** What to change of a tag; undefined leaves a field as it is. */
export interface UpdateTag {
  readonly id: string
  readonly expectedVersion: number
  readonly name: string | undefined
  readonly color: string | undefined
}

/** The gate: a tag the viewer may do this with. @throws {NotFound | Forbidden} */
export async function getTag(ctx: Context, id: string, action: Action): Promise<TagRow> {
  return pass(ctx, 'tag', await findTag(ctx, id), action, encodeTypeId('tag', id))
}

/** Makes a tag for the organization's pages. @throws {TagNameTaken | InvalidInput | IdempotencyKeyReused} */
export async function createTag(ctx: Context, input: CreateTag): Promise<TagRow> {
  requireGrant(ctx, 'tag.read')
  requireAction(ctx, 'tag.create')
  const id = await createOnce(ctx, 'createTag', input, async (tx, viewer) => {
    await holdPlace(tx, viewer.organizationId)
    const tag = tx.em.create(Tag, {
      id: newUuid(tx.now),
      organization: viewer.organizationId,
      name: input.name,
      nameKey: tagNameKey(input.name),
      color: input.color,
      createdById: authorIdOf(viewer),
      version: 1,
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    audit(ctx, tx, { action: 'tag.create', target: encodeTypeId('tag', tag.id) })
    return tag.id
  }).catch(nameFacts)
  return getTag(ctx, id, 'tag.read')
}

/** Changes a tag wherever it is borne. @throws {NotFound | Forbidden | EditConflict | TagNameTaken} */
export async function updateTag(ctx: Context, { id, expectedVersion, name, color }: UpdateTag): Promise<TagRow> {
  const target = encodeTypeId('tag', id)
  await getTag(ctx, id, 'tag.update')
  await transact(ctx, async (tx) => {
    const { organizationId } = requireViewer(ctx)
    const { numUpdatedRows } = await tx.unscoped
      .updateTable('tag')
      .set((on) => ({
        ...(name !== undefined && { name, name_key: tagNameKey(name) }),
        ...(color !== undefined && { color }),
        version: on('version', '+', 1),
        updated_at: tx.now,
      }))
      .where('id', '=', id)
      .where('organization_id', '=', organizationId)
      .where('version', '=', expectedVersion)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) throw new EditConflict(target)
    audit(ctx, tx, { action: 'tag.update', target })
  }).catch(nameFacts)
  return getTag(ctx, id, 'tag.read')
}

/** Deletes a tag, and takes it off all pages. @throws {NotFound | Forbidden} */
export async function deleteTag(ctx: Context, id: string): Promise<{ readonly id: string }> {
  const target = encodeTypeId('tag', id)
  await getTag(ctx, id, 'tag.delete')
  await transact(ctx, async (tx) => {
    const { organizationId } = requireViewer(ctx)
    const { numDeletedRows } = await tx.unscoped
      .deleteFrom('tag')
      .where('id', '=', id)
      .where('organization_id', '=', organizationId)
      .executeTakeFirst()
    if (numDeletedRows === 0n) throw new NotFound('tag', 'tag.delete', target)
    audit(ctx, tx, { action: 'tag.delete', target })
  })
  return { id }
}

/** Holds the organization's row, so that two at once do not both get the last place. */
async function holdPlace(tx: Transaction, organizationId: string): Promise<void> {
  const organization = tx.unscoped.selectFrom('organization').select('id').where('id', '=', organizationId)
  await organization.forNoKeyUpdate().execute()
  const tags = tx.db.from('tag').select((on) => on.fn.countAll<number>().as('count'))
  if ((await tags.executeTakeFirstOrThrow()).count < MAX_TAGS) return
  throw new InvalidInput([
    { path: ['name'], message: `there are ${MAX_TAGS.toLocaleString('en')} tags already, which is the most` },
  ])
}

function nameFacts(error: unknown): never {
  if (violatedConstraint(error)?.includes('name_key')) throw new TagNameTaken()
  throw error
}
