import { setTimeout as pause } from 'node:timers/promises'
import { authorIdOf, type Context, createContext } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { Denial, Fault, Forbidden, InvalidInput, NotFound, UserError } from '../../../platform/errors.ts'
import { heldToGates, requireViewer } from '../../../platform/gate.ts'
import { forgetLoaded } from '../../../platform/loaders.ts'
import type { ToolResult, ToolCall as Wanted } from '../../../platform/models.ts'
import { newUuid } from '../../../platform/uuid.ts'
import type { AnswerWriter } from '../generations/answer-writer.service.ts'
import { checkpoint, type Generation, generationName, systemContext } from '../generations/generation.service.ts'
import { audienceOf, findChatSession } from '../sessions/chat-session.reads.ts'
import { digestOf, isKeepable, type Tool, type ToolOutcome } from './tool.service.ts'
import type { ToolCallStatus } from './tool-call.entity.ts'
import {
  APPROVAL_MILLIS,
  addToolCall,
  decisionChannel,
  endToolCall,
  moveToolCall,
  type NewToolCall,
  type ToolCallEnd,
} from './tool-call.service.ts'

/** Whose calls are run, and where they are written down. */
export interface ToolRun {
  readonly generation: Generation
  readonly sessionId: string
  readonly writer: AnswerWriter
  /** Those the model was told of; any other is none. */
  readonly tools: readonly Tool[]
  /** Aborts when the answer is stopped or lost. */
  readonly signal: AbortSignal
}

/** A nudge may be lost. */
const LOOK_MILLIS = 1_000
const MAX_NAME_LENGTH = 64

type Outcome = Pick<ToolCallEnd, 'to' | 'output' | 'sources'>

/**
 * Does what a model wants done, as whoever is answered, and answers what became of it: a fault is for the model to read. What
 * changes something waits for an approval first, unless the session allows it.
 * @throws the signal's reason when the answer ends meanwhile
 */
export async function runTool(ctx: Context, run: ToolRun, wanted: Wanted): Promise<ToolResult> {
  const { outcome } = await carryOut(ctx, run, wanted)
  return { callId: wanted.id, name: wanted.name, output: outcome.output, isError: outcome.to !== 'COMPLETED' }
}

async function carryOut(ctx: Context, run: ToolRun, wanted: Wanted): Promise<{ outcome: Outcome }> {
  const tool = run.tools.find(({ name }) => name === wanted.name)
  const prepared = prepare(tool, wanted)
  // All that was said before it is shown before it.
  if (!(await run.writer.flush())) run.signal.throwIfAborted()
  const call = await begin(ctx, run, { wanted, tool, failure: prepared.failure })
  if (tool === undefined || prepared.run === null) return { outcome: failed(prepared.failure) }
  const { digest } = call
  let status = call.status
  if (status === 'AWAITING_APPROVAL') {
    status = await untilDecided(ctx, run, call)
    if (status === 'REJECTED') return end(ctx, call, status, turnedDown('REJECTED', 'The person does not want this.'))
    if (status === 'EXPIRED') return end(ctx, call, status, turnedDown('EXPIRED', 'Nobody approved this in time.'))
    // Exactly what was approved, and once: whoever else might run it finds it running.
    const isOurs = await moveToolCall(ctx.platform.database.unscoped, call.id, {
      from: 'APPROVED',
      to: 'RUNNING',
      digest,
    })
    if (!isOurs || digest !== digestOf(wanted.name, wanted.input)) throw new Error('An approved call is not as it was')
  }
  return end(ctx, call, 'RUNNING', await attempt(ctx, run, tool, prepared.run))
}

type Prepared =
  | { readonly run: ReturnType<Tool['prepare']>; readonly failure: null }
  | { readonly run: null; readonly failure: unknown }

function prepare(tool: Tool | undefined, { name, input }: Wanted): Prepared {
  if (tool === undefined) return { run: null, failure: { code: 'NO_SUCH_TOOL', message: `There is no tool ${name}.` } }
  try {
    return { run: tool.prepare(input), failure: null }
  } catch (error) {
    return { run: null, failure: described(error) }
  }
}

interface Beginning {
  readonly wanted: Wanted
  readonly tool: Tool | undefined
  readonly failure: unknown
}

async function begin(ctx: Context, run: ToolRun, { wanted, tool, failure }: Beginning): Promise<NewToolCall> {
  const { platform } = ctx
  const viewer = requireViewer(ctx)
  const input = isKeepable(wanted.input) ? wanted.input : null
  return transact(systemContext(platform), async (tx) => {
    // Only as long as the answer is ours.
    if (!(await checkpoint(platform, run.generation, run.writer.draft(), tx.unscoped)))
      throw new Error('An answer is lost')
    const status =
      failure !== null
        ? 'FAILED'
        : (await mustAsk(tx, { sessionId: run.sessionId, userId: viewer.userId }, tool))
          ? 'AWAITING_APPROVAL'
          : 'RUNNING'
    const call: NewToolCall = {
      id: newUuid(tx.now),
      organizationId: viewer.organizationId,
      sessionId: run.sessionId,
      messageId: run.generation.messageId,
      name: [...wanted.name.toWellFormed().replaceAll('\0', '')].slice(0, MAX_NAME_LENGTH).join(''),
      input,
      digest: digestOf(wanted.name, input),
      tapeLength: run.writer.length,
      status,
      expiresAt: status === 'AWAITING_APPROVAL' ? new Date(tx.now.getTime() + APPROVAL_MILLIS) : null,
      askedById: authorIdOf(viewer),
    }
    await addToolCall(tx, call, failure)
    return call
  })
}

/** Whether whoever is answered wants to be asked first: for what is done in their name their own rule counts. */
async function mustAsk(
  tx: Transaction,
  { sessionId, userId }: { readonly sessionId: string; readonly userId: string },
  tool: Tool | undefined,
): Promise<boolean> {
  if (tool?.changes !== true) return false
  const own = tx.unscoped.selectFrom('chat_participant').select('tool_approval as approval')
  const row = await own.where('session_id', '=', sessionId).where('user_id', '=', userId).executeTakeFirst()
  return row?.approval !== 'ALLOW'
}

/** Waits for somebody to decide, for the time they have. @throws the signal's reason */
async function untilDecided({ platform }: Context, { signal }: ToolRun, call: NewToolCall): Promise<ToolCallStatus> {
  const { database, clock, nudges } = platform
  let wake = Promise.withResolvers<void>()
  const unlisten = nudges.listen(decisionChannel(call.id), () => wake.resolve())
  try {
    for (;;) {
      signal.throwIfAborted()
      wake = Promise.withResolvers()
      const query = database.unscoped.selectFrom('tool_call').select('status').where('id', '=', call.id)
      const status = (await query.executeTakeFirst())?.status ?? 'CANCELLED'
      if (status === 'CANCELLED') throw new Error('A call was cancelled with its answer')
      if (status !== 'AWAITING_APPROVAL') return status
      const isOver = call.expiresAt !== null && clock.now() >= call.expiresAt
      const { digest } = call
      if (isOver && (await moveToolCall(database.unscoped, call.id, { from: status, to: 'EXPIRED', digest })))
        return 'EXPIRED'
      const stop = new AbortController()
      const waiting = AbortSignal.any([signal, stop.signal])
      await Promise.race([wake.promise, pause(LOOK_MILLIS, undefined, { signal: waiting }).catch(() => undefined)])
      stop.abort()
    }
  } finally {
    unlisten()
  }
}

/** Runs a tool as who asked is now, for those who take part now. */
async function attempt(
  ctx: Context,
  run: ToolRun,
  tool: Tool,
  work: (ctx: Context) => Promise<ToolOutcome>,
): Promise<Outcome> {
  const { platform, request } = ctx
  const viewer = await platform.currentViewer(ctx.viewer)
  forgetLoaded(ctx)
  const asking = createContext(platform, { viewer, request, signal: run.signal })
  const session = await findChatSession(asking, run.sessionId)
  if (session === null) return failed({ code: 'ACCESS_ENDED', message: 'Who asked may not do this any more.' })
  const audience = await audienceOf(asking, session)
  const acting = createContext(platform, { viewer, request, audience, signal: run.signal })
  try {
    const { output, sources } = await heldToGates(acting, () => work(acting))
    return { to: 'COMPLETED', output, sources: { pageIds: [], projectIds: [], ...sources } }
  } catch (error) {
    run.signal.throwIfAborted()
    const isRefusal = error instanceof Forbidden || error instanceof NotFound || error instanceof Denial
    if (isRefusal && tool.changes) await platform.recordDenial(acting, error.action ?? tool.name, error.target)
    if (!isTold(error))
      platform.log.error(
        { err: error, tool: tool.name, message: generationName(run.generation.messageId) },
        'a tool failed',
      )
    return failed(described(error))
  }
}

async function end(
  ctx: Context,
  call: NewToolCall,
  from: ToolCallStatus,
  outcome: Outcome,
): Promise<{ outcome: Outcome }> {
  const isEnded = await transact(systemContext(ctx.platform), (tx) => endToolCall(tx, call, { ...outcome, from }))
  if (!isEnded) throw new Error('A call was cancelled with its answer')
  return { outcome }
}

function failed(output: unknown): Outcome {
  return { to: 'FAILED', output, sources: { pageIds: [], projectIds: [] } }
}

function turnedDown(to: 'REJECTED' | 'EXPIRED', message: string): Outcome {
  return { to, output: { code: to, message }, sources: { pageIds: [], projectIds: [] } }
}

function isTold(error: unknown): error is UserError | Fault {
  return error instanceof UserError || error instanceof Fault
}

/** A fault as a model reads it: nothing of it is internal. */
function described(error: unknown): unknown {
  if (error instanceof InvalidInput)
    return { code: error.code, faults: error.fields.map(({ path, message }) => `${path.join('.')} ${message}`.trim()) }
  if (isTold(error)) return { code: error.code, message: error.message }
  return { code: 'INTERNAL_SERVER_ERROR', message: 'The tool failed.' }
}
