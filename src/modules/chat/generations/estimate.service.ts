import type { Context } from '../../../platform/context.ts'
import { InvalidInput } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import type { Model } from '../../../platform/models.ts'
import { findCredits } from '../../usage/credits/credits.reads.ts'
import { findMessage } from '../messages/message.reads.ts'
import { getChatSession, requireModel } from '../sessions/chat-session.service.ts'
import { type AnswerSettings, toolsFor } from './answer.service.ts'
import { planBudget, promptTokensOf } from './budget.service.ts'
import { mustFit, promptBehind } from './prompt.service.ts'

/** A question that is perhaps to be asked. */
export interface EstimateCompletion {
  /** Null: outside any session. */
  readonly sessionId: string | null
  /** The answer it would go on from; null for the newest message. */
  readonly parentId: string | null
  readonly content: string
  readonly modelId: string | null
  readonly settings: AnswerSettings
}

/** What an answer would take. */
export interface CompletionEstimate {
  readonly model: Model
  readonly promptTokens: number
  /** Of one step; null where nothing but the model limits it. */
  readonly maxOutputTokens: number | null
  /** The most that it can cost, in millionths of a credit. */
  readonly most: bigint
  readonly priceVersion: string | null
  /** Null where the viewer may not know. */
  readonly isAffordable: boolean | null
}

/**
 * Reckons what would be set aside for an answer, by the same rules, and sets nothing aside.
 * @throws {NotFound | Forbidden | InvalidInput | ModelNotConfigured | ModelNotPriced | PromptTooLong | RateLimited}
 */
export async function estimateCompletion(ctx: Context, input: EstimateCompletion): Promise<CompletionEstimate> {
  const { userId, organizationId } = requireViewer(ctx)
  const { limits, settings: figures } = ctx.platform
  const points = figures.credits.estimatesPerMinute
  await limits.consume({ name: 'estimate-completion', points, windowSeconds: 60 }, userId)
  const { modelId, branch } = await placeOf(ctx, input)
  const model = requireModel(ctx, input.modelId ?? modelId)
  const settings = { ...input.settings, maxCost: null }
  const tools = toolsFor({ model, settings }).map(({ description }) => description)
  const plan = { model, tools, maxOutputTokens: settings.maxOutputTokens }
  await mustFit(plan, input.content)
  const { messages } = await promptBehind(ctx, branch, input.content, plan)
  const planned = { model, settings, tools, messages }
  const budget = await planBudget(ctx, planned)
  const credits = await findCredits(ctx, organizationId)
  const most = budget?.most ?? 0n
  return {
    model,
    promptTokens: budget?.promptTokens ?? (await promptTokensOf(planned)),
    maxOutputTokens: budget?.maxOutputTokens ?? settings.maxOutputTokens ?? model.maxOutputTokens,
    most,
    priceVersion: budget?.version ?? null,
    isAffordable: credits && (budget === null || (credits.pausedBy.length === 0 && credits.available >= most)),
  }
}

/** Which model the session has, and behind what the question would stand. */
async function placeOf(ctx: Context, { sessionId, parentId }: EstimateCompletion) {
  if (sessionId === null) {
    if (parentId !== null) throw new InvalidInput([{ path: ['parentId'], message: 'goes with a session' }])
    return { modelId: null, branch: null }
  }
  const session = await getChatSession(ctx, sessionId, 'chat_session.read')
  if (parentId === null) return { modelId: session.modelId, branch: { sessionId: session.id } }
  const parent = await findMessage(ctx, parentId)
  if (parent?.sessionId !== session.id || parent.role !== 'ASSISTANT')
    throw new InvalidInput([{ path: ['parentId'], message: 'is no answer of this session' }])
  return { modelId: session.modelId, branch: { messageId: parentId } }
}
