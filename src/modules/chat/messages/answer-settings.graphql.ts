import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { optional } from '../../../graphql/input.ts'
import { DEFAULT_TEMPERATURE, type ReasoningEffort, reasoningEfforts } from '../../../platform/models.ts'
import { defaultSettings } from '../../../platform/settings.ts'
import { modelDescription } from '../sessions/chat-session.graphql.ts'
import { tools } from '../tools/workspace-tools.service.ts'

/** UTF-16 units of a question. */
const MAX_PROMPT_LENGTH = 32_000

/** The rules of a question. */
export const question = z
  .string()
  .max(MAX_PROMPT_LENGTH)
  .refine((text) => text.trim() !== '', 'is empty')

/** How the model of an answer is described. */
export const modelOfAnswer = `${modelDescription} The session’s when left out.`

const { answerTokens, thinkingAnswerTokens } = defaultSettings.credits

const MAX_ITERATIONS = 20
const DEFAULT_ITERATIONS = 8

const reasoningDescriptions: Record<ReasoningEffort, string> = {
  NONE: 'It writes at once.',
  LOW: 'A little.',
  MEDIUM: 'For most questions that need it.',
  HIGH: 'As much as it can; slow, and costs most.',
}

const ReasoningEffortRef = builder.enumType('ReasoningEffort', {
  description: 'How much a model thinks before it writes, where it can.',
  values: describedValues(reasoningDescriptions),
})

/** How an answer is to be written. */
export const AnswerSettingsInput = builder.inputType('AnswerSettings', {
  description: 'How an answer is to be written. What a model cannot do it leaves out.',
  fields: (t) => ({
    temperature: t.float({ description: `From 0, always the same, to 2; ${DEFAULT_TEMPERATURE} when left out.` }),
    maxTokens: t.int({
      description: `Tokens each step of the answer has at most. When left out, the model’s own limit; of a model that costs something ${answerTokens.toLocaleString('en')}, or ${thinkingAnswerTokens.toLocaleString('en')} where it is to think, if that is less.`,
    }),
    reasoning: t.field({
      type: ReasoningEffortRef,
      description: 'How much it thinks first; not at all when left out.',
    }),
    tools: t.stringList({
      description: `The tools it may use, of ${[...tools.keys()].join(', ')}; all when left out, none for an empty list.`,
    }),
    maxCostMillionths: t.field({
      type: 'BigInt',
      description:
        'Refuses what can cost more than this, in millionths of a credit: what `estimateCompletion` showed, so that nothing dearer is begun when something was said or priced otherwise meanwhile.',
    }),
    maxIterations: t.int({
      description: `How often the model is asked at most: once, and once more for each time it wants tools used. 1 to ${MAX_ITERATIONS}; ${DEFAULT_ITERATIONS} when left out.`,
    }),
  }),
})

/** The rules of that. */
export const settings = z
  .object({
    temperature: z.number().min(0).max(2).nullish(),
    maxTokens: optional(z.int().min(1).max(1_000_000)),
    reasoning: z.enum(reasoningEfforts).nullish(),
    tools: optional(z.array(z.string().refine((name) => tools.has(name), 'is not valid')).max(50)),
    maxCostMillionths: optional(z.bigint().min(0n, 'is below 0')),
    maxIterations: z.int().min(1).max(MAX_ITERATIONS).nullish(),
  })
  .nullish()
  .transform((given) => ({
    temperature: given?.temperature ?? DEFAULT_TEMPERATURE,
    maxOutputTokens: given?.maxTokens ?? null,
    reasoning: given?.reasoning ?? 'NONE',
    toolNames: given?.tools ?? null,
    maxCost: given?.maxCostMillionths ?? null,
    maxIterations: given?.maxIterations ?? DEFAULT_ITERATIONS,
  }))

/** How it is described. */
export const settingsDescription = 'How the answer is to be written.'
