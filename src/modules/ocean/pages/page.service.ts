import { encodeTypeId } from '../../../lib/typeid.ts'
import type { Action } from '../../../platform/access.ts'
import { type ActingViewer, authorIdOf, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { EditConflict, InvalidInput } from '../../../platform/errors.ts'
import { pass, requireAction, requireGrant, requireViewer } from '../../../platform/gate.ts'
import { createOnce } from '../../../platform/idempotency.ts'
import { newUuid } from '../../../platform/uuid.ts'
import { audit } from '../../audit/audit.service.ts'
import { getProject } from '../../projects/project.service.ts'
import { Page } from './page.entity.ts'
import { tellParents, tellProjectOf, tellWatchers } from './page.events.ts'
import { findPage, type PageRow } from './page.reads.ts'
import { type PageNeighbour, rankIn, untilRankIsFree } from './page-rank.service.ts'
import { depthIn, type PageHome } from './page-tree.service.ts'

/** A new page, and where it is to stand. */
export interface CreatePage extends PageHome, PageNeighbour {
  readonly title: string
  readonly icon: string | null
  readonly coverImage: string | null
  /** BCP 47. */
  readonly language: string | null
  readonly idempotencyKey: string | null
}

/** What to change of a page; undefined leaves a field as it is, null empties it. */
export interface UpdatePage {
  readonly id: string
  readonly expectedVersion: number
  readonly title: string | undefined
  readonly icon?: string | null | undefined
  readonly coverImage?: string | null | undefined
  readonly language?: string | null | undefined
}

/** The gate: a page the viewer may do this with. @throws {NotFound | Forbidden} */
export async function getPage(ctx: Context, id: string, action: Action): Promise<PageRow> {
  return pass(ctx, 'page', await findPage(ctx, id), action, encodeTypeId('page', id))
}

/**
 * The gate of what is to stand somewhere: where exactly, which with a parent is the parent's project.
 * @throws {NotFound | Forbidden | InvalidInput}
 */
export async function getPageHome(
  ctx: Context,
  { projectId, parentId }: PageHome,
  target: string | null = null,
): Promise<PageHome> {
  // Each id passes its own gate, whatever the other is: what is not there is answered alike.
  if (projectId !== null) await getProject(ctx, projectId, 'page.create')
  if (parentId !== null) {
    const parent = await getPage(ctx, parentId, 'page.create')
    if (projectId !== null && parent.projectId !== projectId) {
      throw new InvalidInput([{ path: ['projectId'], message: 'is not the project of the parent' }])
    }
    return { projectId: parent.projectId, parentId }
  }
  if (projectId === null) requireAction(ctx, 'page.create', target)
  return { projectId, parentId }
}

/**
 * Makes an empty page: in another, in a project or at the top.
 * @throws {NotFound | Forbidden | InvalidInput | NestedTooDeep | IdempotencyKeyReused}
 */
export async function createPage(ctx: Context, input: CreatePage): Promise<PageRow> {
  requireGrant(ctx, 'page.read')
  const home = await getPageHome(ctx, input)
  const id = await untilRankIsFree(ctx, () =>
    createOnce(ctx, 'createPage', input, (tx, viewer) => addPage(ctx, tx, viewer, { ...input, ...home })),
  )
  return getPage(ctx, id, 'page.read')
}

/** Makes a page in a home that passed its gate; answers its id. @throws {InvalidInput | NestedTooDeep | AccessMoved} */
export async function addPage(
  ctx: Context,
  tx: Transaction,
  viewer: ActingViewer,
  page: NewPage & PageNeighbour,
): Promise<string> {
  const depth = await depthIn(tx, page, 'hold')
  const id = insertPage(tx, viewer, { ...page, depth, rank: await rankIn(tx, page, page) })
  tellProjectOf(tx, { id, projectId: page.projectId }, 'PageAdded')
  tellParents(tx, page.parentId)
  audit(ctx, tx, { action: 'page.create', target: encodeTypeId('page', id) })
  return id
}

type NewPage = PageHome & Pick<CreatePage, 'title' | 'icon' | 'coverImage' | 'language'>

function insertPage(
  tx: Transaction,
  viewer: ActingViewer,
  page: NewPage & { readonly depth: number; readonly rank: string },
): string {
  const id = newUuid(tx.now)
  tx.em.create(Page, {
    id,
    organization: viewer.organizationId,
    project: page.projectId,
    parent: page.parentId,
    depth: page.depth,
    rank: page.rank,
    title: page.title,
    icon: page.icon,
    coverImage: page.coverImage,
    language: page.language,
    createdById: authorIdOf(viewer),
    updatedById: authorIdOf(viewer),
    version: 1,
    createdAt: tx.now,
    updatedAt: tx.now,
    archivedAt: null,
    archivedWithId: null,
  })
  return id
}

/** Changes what a page is called and how it looks. @throws {NotFound | Forbidden | EditConflict} */
export async function updatePage(ctx: Context, change: UpdatePage): Promise<PageRow> {
  const { id, expectedVersion, title, icon, coverImage, language } = change
  const target = encodeTypeId('page', id)
  await getPage(ctx, id, 'page.update')
  await transact(ctx, async (tx) => {
    const viewer = requireViewer(ctx)
    // A page that was moved or archived since the gate has another version, too.
    const page = await tx.unscoped
      .updateTable('page')
      .set((on) => ({
        ...(title !== undefined && { title }),
        ...(icon !== undefined && { icon }),
        ...(coverImage !== undefined && { cover_image: coverImage }),
        ...(language !== undefined && { language }),
        version: on('version', '+', 1),
        updated_at: tx.now,
        updated_by_id: authorIdOf(viewer),
      }))
      .where('id', '=', id)
      .where('organization_id', '=', viewer.organizationId)
      .where('version', '=', expectedVersion)
      .returning(['id', 'project_id as projectId'])
      .executeTakeFirst()
    if (page === undefined) throw new EditConflict(target)
    tellWatchers(tx, page)
    tellProjectOf(tx, page, 'PageChanged')
    audit(ctx, tx, { action: 'page.update', target })
  })
  return getPage(ctx, id, 'page.read')
}
