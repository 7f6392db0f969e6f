import { type Context, createContext } from '../../../platform/context.ts'
import { Denial, Fault, Forbidden, InvalidInput, NotFound, UserError } from '../../../platform/errors.ts'
import { heldToGates } from '../../../platform/gate.ts'
import { readablePages } from '../../ocean/pages/page.reads.ts'
import { isOpenTo } from '../../projects/project-access.reads.ts'
import { audienceOf, findChatSession } from '../sessions/chat-session.reads.ts'
import type { Tool, ToolOutcome } from './tool.service.ts'
import type { ToolSources } from './tool-call.entity.ts'
import type { ToolCallEnd } from './tool-call.service.ts'

/** How a call ended, for the model and for whoever looks. */
export type Outcome = Pick<ToolCallEnd, 'to' | 'output' | 'sources'>

/** In which session something is done, and until when. */
export interface Acting {
  readonly sessionId: string
  /** Aborts when the answer is stopped or lost. */
  readonly signal: AbortSignal
}

/**
 * Runs a tool as who asked is now, for those who take part now; a fault is for the model to read.
 * @throws the signal's reason when the answer ends before anything is done
 */
export async function act(
  ctx: Context,
  where: Acting,
  {
    tool,
    work,
    isStill,
  }: {
    readonly tool: Tool
    readonly work: (ctx: Context) => Promise<ToolOutcome>
    /** Whether nobody has ended the call meanwhile. */
    readonly isStill: () => Promise<boolean>
  },
): Promise<Outcome> {
  const acting = await actingNow(ctx, where)
  if (acting === null) return failed({ code: 'ACCESS_ENDED', message: 'Who asked may not do this any more.' })
  if (tool.changes && acting.isArchived)
    return failed({ code: 'SESSION_ARCHIVED', message: 'The session is archived: nothing is done in it.' })
  if (tool.changes && !(await isStill())) throw new Error('A call was cancelled with its answer')
  where.signal.throwIfAborted()
  try {
    const { output, sources } = await heldToGates(acting.ctx, () => work(acting.ctx))
    return { to: 'COMPLETED', output, sources: { pageIds: [], projectIds: [], ...sources } }
  } catch (error) {
    const isRefusal = error instanceof Forbidden || error instanceof NotFound || error instanceof Denial
    if (isRefusal && tool.changes) await ctx.platform.recordDenial(acting.ctx, error.action ?? tool.name, error.target)
    if (!isTold(error)) ctx.platform.log.error({ err: error, tool: tool.name }, 'a tool failed')
    return failed(described(error))
  }
}

/** Whether all who take part now may read what an answer has been told: who was let in meanwhile reads what comes of it. */
export async function mayAllRead(ctx: Context, where: Acting, { pageIds, projectIds }: ToolSources): Promise<boolean> {
  if (pageIds.length + projectIds.length === 0) return true
  const acting = await actingNow(ctx, where)
  if (acting === null) return false
  const { db } = acting.ctx
  const pages =
    pageIds.length === 0 ? [] : await readablePages(db).where('page.id', 'in', pageIds).select('page.id').execute()
  const open = db
    .from('project')
    .where(isOpenTo(db, 'project.read', 'project.id'))
    .select('project.id')
  const projects = projectIds.length === 0 ? [] : await open.where('project.id', 'in', projectIds).execute()
  return pages.length === pageIds.length && projects.length === projectIds.length
}

/** Who asked as they are now, reading for all who take part now; null once they may not read the session any more. */
async function actingNow(
  { platform, request, viewer: asker }: Context,
  { sessionId, signal }: Acting,
): Promise<{ readonly ctx: Context; readonly isArchived: boolean } | null> {
  const viewer = await platform.currentViewer(asker)
  const asking = createContext(platform, { viewer, request, signal })
  const session = await findChatSession(asking, sessionId)
  if (session === null) return null
  const audience = await audienceOf(asking, session)
  return {
    ctx: createContext(platform, { viewer, request, audience, signal }),
    isArchived: session.archivedAt !== null,
  }
}

/** A call that came to nothing, and why. */
export function failed(output: unknown, to: 'FAILED' | 'REJECTED' | 'EXPIRED' = 'FAILED'): Outcome {
  return { to, output, sources: { pageIds: [], projectIds: [] } }
}

function isTold(error: unknown): error is UserError | Fault {
  return error instanceof UserError || error instanceof Fault
}

/** A fault as a model reads it: nothing of it is internal. */
export function described(error: unknown): unknown {
  if (error instanceof InvalidInput)
    return { code: error.code, faults: error.fields.map(({ path, message }) => `${path.join('.')} ${message}`.trim()) }
  if (isTold(error)) return { code: error.code, message: error.message }
  return { code: 'INTERNAL_SERVER_ERROR', message: 'The tool failed.' }
}
