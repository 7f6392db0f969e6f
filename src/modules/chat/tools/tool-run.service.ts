import { setTimeout as pause } from 'node:timers/promises'
import { authorIdOf, type Context } from '../../../platform/context.ts'
import { type Transaction, transact } from '../../../platform/database/transact.ts'
import { requireViewer } from '../../../platform/gate.ts'
import type { ToolResult, ToolCall as Wanted } from '../../../platform/models.ts'
import { systemContext } from '../../../platform/system-context.ts'
import { newUuid } from '../../../platform/uuid.ts'
import type { AnswerWriter } from '../generations/answer-writer.service.ts'
import { checkpoint, type Generation, generationName } from '../generations/generation.service.ts'
import { digestOf, isKeepable, type Tool } from './tool.service.ts'
import { type Acting, act, described, failed, mayAllRead, type Outcome } from './tool-acting.service.ts'
import type { ToolCallStatus } from './tool-call.entity.ts'
import {
  APPROVAL_MILLIS,
  addToolCall,
  decisionChannel,
  endToolCall,
  moveToolCall,
  type NewToolCall,
  statusOf,
} from './tool-call.service.ts'

/** Whose calls are run, and where they are written down. */
export interface ToolRun extends Acting {
  readonly generation: Generation
  readonly writer: AnswerWriter
  /** Those the model was told of; any other is none. */
  readonly tools: readonly Tool[]
  /** What it has been told so far was read from these. */
  readonly seen: { readonly pageIds: Set<string>; readonly projectIds: Set<string> }
  /** Nobody approved a call in time: nobody is asked again. */
  isUnattended: boolean
}

/** A nudge may be lost. */
const LOOK_MILLIS = 1_000
const MAX_NAME_LENGTH = 64

/** A call in bounds: with a name that can be kept, and no input that cannot. */
export function boundedCall({ id, name, input }: Wanted): Wanted {
  const kept = [...name.toWellFormed().replaceAll('\0', '')].slice(0, MAX_NAME_LENGTH).join('')
  return { id, name: kept, input: isKeepable(input) ? input : undefined }
}

/** Whether all who take part now may read what the model has been told. */
export function mayGoOn(ctx: Context, run: ToolRun): Promise<boolean> {
  return mayAllRead(ctx, run, { pageIds: [...run.seen.pageIds], projectIds: [...run.seen.projectIds] })
}

/**
 * Does what a model wants done, as whoever is answered, and answers what became of it. What changes something waits for an
 * approval first, unless whoever is answered has spared themselves that.
 * @throws the signal's reason when the answer ends meanwhile
 */
export async function runTool(ctx: Context, run: ToolRun, wanted: Wanted): Promise<ToolResult> {
  const outcome = await carryOut(ctx, run, wanted)
  for (const id of outcome.sources.pageIds) run.seen.pageIds.add(id)
  for (const id of outcome.sources.projectIds) run.seen.projectIds.add(id)
  return { callId: wanted.id, name: wanted.name, output: outcome.output, isError: outcome.to !== 'COMPLETED' }
}

async function carryOut(ctx: Context, run: ToolRun, wanted: Wanted): Promise<Outcome> {
  const tool = run.tools.find(({ name }) => name === wanted.name)
  const prepared = prepare(tool, wanted)
  // All that was said before it is shown before it.
  if (!(await run.writer.flush())) run.signal.throwIfAborted()
  const call = await begin(ctx, run, { wanted, tool, failure: prepared.failure })
  if (tool === undefined || prepared.run === null) return failed(prepared.failure)
  const { id, digest } = call
  if (call.status === 'AWAITING_APPROVAL') {
    const status = run.isUnattended ? await expire(ctx, call) : await untilDecided(ctx, run, call)
    if (status === 'REJECTED')
      return end(ctx, call, status, failed({ code: status, message: 'The person does not want this.' }, status))
    if (status === 'EXPIRED') {
      run.isUnattended = true
      return end(ctx, call, status, failed({ code: status, message: 'Nobody approved this in time.' }, status))
    }
    // Exactly what was approved, and once: whoever else might run it finds it running.
    const { unscoped } = ctx.platform.database
    const isOurs = await moveToolCall(unscoped, id, { from: 'APPROVED', to: 'RUNNING', digest })
    if (!isOurs || digest !== digestOf(wanted.name, wanted.input)) throw new Error('An approved call is not as it was')
  }
  const isStill = async () => (await statusOf(ctx.platform.database.unscoped, id)) === 'RUNNING'
  return end(ctx, call, 'RUNNING', await act(ctx, run, { tool, work: prepared.run, isStill }))
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
  const input = wanted.input ?? null
  return transact(systemContext(platform), async (tx) => {
    // Only as long as the answer is ours.
    if (!(await checkpoint(platform, run.generation, run.writer.draft(), tx.unscoped))) {
      throw new Error('An answer is lost')
    }
    const asks = await mustAsk(tx, { sessionId: run.sessionId, userId: viewer.userId }, tool)
    const status = failure !== null ? 'FAILED' : asks ? 'AWAITING_APPROVAL' : 'RUNNING'
    const call: NewToolCall = {
      id: newUuid(tx.now),
      organizationId: viewer.organizationId,
      sessionId: run.sessionId,
      messageId: run.generation.messageId,
      name: wanted.name,
      input,
      digest: digestOf(wanted.name, input),
      tapeLength: run.writer.length,
      status,
      expiresAt: status === 'AWAITING_APPROVAL' ? new Date(tx.now.getTime() + APPROVAL_MILLIS) : null,
      askedById: authorIdOf(viewer),
      askedWithKeyId: viewer.kind === 'api_key' ? viewer.apiKeyId : null,
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

/** Waits for somebody to decide, for the time they have; a database that is away delays it. @throws the signal's reason */
async function untilDecided(ctx: Context, { signal }: ToolRun, call: NewToolCall): Promise<ToolCallStatus> {
  const { platform } = ctx
  let wake = Promise.withResolvers<void>()
  const unlisten = platform.nudges.listen(decisionChannel(call.id), () => wake.resolve())
  try {
    for (;;) {
      signal.throwIfAborted()
      wake = Promise.withResolvers()
      const status = await decision(ctx, call).catch((error: unknown) => {
        platform.log.warn({ err: error, message: generationName(call.messageId) }, 'a decision cannot be looked for')
        return 'AWAITING_APPROVAL' as const
      })
      if (status === 'CANCELLED') throw new Error('A call was cancelled with its answer')
      if (status !== 'AWAITING_APPROVAL') return status
      const stop = new AbortController()
      const waiting = AbortSignal.any([signal, stop.signal])
      await Promise.race([wake.promise, pause(LOOK_MILLIS, undefined, { signal: waiting }).catch(() => undefined)])
      stop.abort()
    }
  } finally {
    unlisten()
  }
}

async function decision(ctx: Context, call: NewToolCall): Promise<ToolCallStatus> {
  const { database, clock } = ctx.platform
  const status = await statusOf(database.unscoped, call.id)
  const isOver = call.expiresAt !== null && clock.now() >= call.expiresAt
  return isOver && status === 'AWAITING_APPROVAL' ? expire(ctx, call) : status
}

/** Ends the time somebody has, unless they have just decided. */
async function expire({ platform }: Context, { id, digest }: NewToolCall): Promise<ToolCallStatus> {
  const { unscoped } = platform.database
  const isExpired = await moveToolCall(unscoped, id, { from: 'AWAITING_APPROVAL', to: 'EXPIRED', digest })
  return isExpired ? 'EXPIRED' : statusOf(unscoped, id)
}

async function end(ctx: Context, call: NewToolCall, from: ToolCallStatus, outcome: Outcome): Promise<Outcome> {
  const isEnded = await transact(systemContext(ctx.platform), (tx) => endToolCall(tx, call, { ...outcome, from }))
  if (!isEnded) throw new Error('A call was cancelled with its answer')
  return outcome
}
