import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { parseFilter } from '../../../graphql/mutation.ts'
import { ModelType } from '../../providers/models/model.graphql.ts'
import { inMillionths } from '../../usage/credits/credits.graphql.ts'
import {
  AnswerSettingsInput,
  modelOfAnswer,
  question,
  settings,
  settingsDescription,
} from '../messages/answer-settings.graphql.ts'
import { modelId } from '../sessions/chat-session.graphql.ts'
import { type CompletionEstimate, estimateCompletion } from './estimate.service.ts'

const CompletionEstimateRef = builder.objectRef<CompletionEstimate>('CompletionEstimate').implement({
  description: 'What an answer would take. It is never charged more than this says, if nothing is said in between.',
  fields: (t) => ({
    model: t.field({ type: ModelType, description: 'What would answer.', resolve: ({ model }) => model }),
    promptTokens: t.exposeInt('promptTokens', {
      description:
        'What the model would be sent at first: instructions, what was said before and what describes its tools are counted. Rather too many.',
    }),
    maxOutputTokens: t.exposeInt('maxOutputTokens', {
      nullable: true,
      description: 'What each step may write at most; null where nothing limits it.',
    }),
    costMillionths: t.expose('most', {
      type: 'BigInt',
      description: `The most that it can cost, ${inMillionths}: that much is set aside while it is written.`,
    }),
    priceVersion: t.exposeString('priceVersion', {
      nullable: true,
      description: 'The list of prices it goes by; null where it costs nothing.',
    }),
    isAffordable: t.exposeBoolean('isAffordable', {
      nullable: true,
      description:
        'Whether there are credits for it now. Caps are not looked at. Null to whoever may not know what there is.',
    }),
  }),
})

const EstimateCompletionInput = builder.inputType('EstimateCompletionInput', {
  description: 'A question that is perhaps to be asked.',
  fields: (t) => ({
    sessionId: t.id({ description: 'The chat session; none when left out.' }),
    parentId: t.id({ description: 'The answer it would go on from; the newest message of the session when left out.' }),
    content: t.string({
      required: true,
      description: 'The question, at most 32,000 characters; nothing of it is kept.',
    }),
    model: t.string({ description: modelOfAnswer }),
    settings: t.field({ type: AnswerSettingsInput, description: settingsDescription }),
  }),
})

const estimateInput = z
  .object({
    sessionId: optional(idOf('ChatSession')),
    parentId: optional(idOf('Message')),
    content: question,
    model: modelId,
    settings,
  })
  .transform(({ model, ...input }) => ({ ...input, modelId: model }))

// Query.estimateCompletion
builder.queryField('estimateCompletion', (t) =>
  t.field({
    type: CompletionEstimateRef,
    description:
      'What an answer would take and cost at most, by the rules that `sendMessage` goes by. How often one person may ask in a minute is limited.',
    authScopes: { authenticated: true },
    args: { input: t.arg({ type: EstimateCompletionInput, required: true, description: 'The question.' }) },
    resolve: (_root, { input }, ctx) => estimateCompletion(ctx, parseFilter(estimateInput, input)),
  }),
)
