import { modelNameOf } from '../../../lib/known-providers.ts'
import { countTokens, isCountedExactly, MARGIN, type TokenCount } from '../../../lib/token-count.ts'
import type { Context } from '../../../platform/context.ts'
import { InvalidInput } from '../../../platform/errors.ts'
import { requireViewer } from '../../../platform/gate.ts'
import type { Model, ModelMessage, ModelRequest } from '../../../platform/models.ts'

/** A text, and the model that would read it. */
export interface CountText {
  readonly modelId: string
  readonly text: string
}

/** How many tokens a text is to a model. @throws {InvalidInput | RateLimited} */
export async function countTextTokens(ctx: Context, { modelId, text }: CountText): Promise<TokenCount> {
  const viewer = requireViewer(ctx)
  const { models, limits, settings } = ctx.platform
  const model = models.find(modelId)
  if (model === null) throw new InvalidInput([{ path: ['model'], message: 'is no model of this server' }])
  const rule = { name: 'count-tokens', points: settings.models.countsPerMinute, windowSeconds: 60 }
  await limits.consume(rule, viewer.userId)
  return countTokens(text, isO200k(model))
}

/** What stands around each message and each tool, by OpenAI's own reckoning; others take no more. */
const AROUND_EACH = 8
/** Characters counted as a whole; of a longer request the rest is reckoned by its beginning. */
const COUNTED = 400_000

/** How many tokens a request is to a model before it is asked, rather too many than too few. */
export async function countRequestTokens(model: Model, { messages, tools }: ModelRequest): Promise<number> {
  const said = messages.map(textOf)
  const described = tools.map((tool) => JSON.stringify(tool))
  const text = [...said, ...described].join('\n')
  const head = text.slice(0, COUNTED)
  const { tokens } = await countTokens(head, isO200k(model))
  const all = head.length === text.length ? tokens : Math.ceil((tokens * text.length) / head.length)
  return all + AROUND_EACH * (messages.length + tools.length + 1)
}

function textOf(message: ModelMessage): string {
  switch (message.role) {
    case 'system':
    case 'user':
      return message.content
    case 'assistant':
      // What is shown to it again of its thoughts is charged as well.
      return [message.content, message.calls, message.replay?.content].map(jsonOf).join('\n')
    case 'tool':
      return message.results.map(({ output }) => jsonOf(output)).join('\n')
  }
}

function jsonOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

/** How many tokens a text is to the model of this id, rather too many. */
export async function countTokensOf(modelId: string, text: string): Promise<number> {
  return (await countTokens(text, isO200k({ id: modelId }))).tokens
}

/** How many tokens it rather is, of a count that is rather too many. */
export function withoutMargin(modelId: string, tokens: number): number {
  return isO200k({ id: modelId }) ? tokens : Math.ceil(tokens / MARGIN)
}

function isO200k({ id }: Pick<Model, 'id'>): boolean {
  const name = modelNameOf(id)
  return name?.providerId === 'openai' && isCountedExactly(name.name)
}
