import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { errorType } from '../../../graphql/errors.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { blockTypes } from '../../../lib/block-content.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { BlockNode, BlockTypeEnum } from './block.graphql.ts'
import { saidContentOf } from './block-input.graphql.ts'
import { convertBlock, WouldLoseText } from './conversion.service.ts'

errorType(WouldLoseText, 'Blocks of that type show no text, and this one says something; nothing was changed.')

const ConvertBlockInput = builder.inputType('ConvertBlockInput', {
  description: 'What a block is to become.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The block.' }),
    type: t.field({ type: BlockTypeEnum, required: true, description: 'What it is to be.' }),
    content: t.field({
      type: 'BlockContent',
      description: 'What it is to have beside its text, as far as that is not to come from what it has.',
    }),
    expectedVersion: t.int({ description: 'The `version` you saw; left out, whatever it is.' }),
  }),
})

// Mutation.convertBlock
builder.mutationField('convertBlock', (t) =>
  mutation(t, {
    type: BlockNode,
    input: ConvertBlockInput,
    schema: z
      .object({
        id: idOf('Block'),
        type: z.enum(blockTypes),
        content: optional(z.unknown()),
        expectedVersion: optional(z.int()),
      })
      .transform(({ content, ...input }, check) => ({
        ...input,
        content: saidContentOf(input.type, content ?? {}, check),
      })),
    errors: [EditConflict, WouldLoseText],
    description:
      'Makes a block one of another type. Its id, what stands in it, its links and its author stay, and so do fields that both types have. Of the others, words and addresses go to the end of its text, a line each; the rest is set aside and comes back with a type that has a place for it. A type with a `url` takes it from the last line of the text, where that is an address and nothing else.',
    resolve: (input, ctx) => convertBlock(ctx, input),
  }),
)
