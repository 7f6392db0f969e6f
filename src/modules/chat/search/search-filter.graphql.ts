import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { actorId, idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { type SearchKind, searchKinds } from './search-text.entity.ts'

const typeDescriptions: Record<SearchKind, string> = {
  PAGE: 'Pages, by their titles and by what stands on them.',
  BLOCK: 'Blocks, by their text.',
  MESSAGE: 'Messages of chat sessions you take part in, once they are all there.',
}

/** What can be found. */
export const SearchResultTypeEnum = builder.enumType('SearchResultType', {
  description: 'What can be found.',
  values: describedValues(typeDescriptions),
})

/** What a search is narrowed by. */
export const SearchFilterInput = builder.inputType('SearchFilter', {
  description: 'Narrows a search: only what meets every condition.',
  fields: (t) => ({
    types: t.field({ type: [SearchResultTypeEnum], description: 'Only these kinds; all when left out or empty.' }),
    projectId: t.id({ description: 'Only what stands in this project, or in its chat sessions.' }),
    tagId: t.id({ description: 'Only pages with this tag, and what stands on them.' }),
    createdById: t.id({ description: 'Only what this person or agent made or said.' }),
    updatedSince: t.field({ type: 'DateTime', description: 'Only what last changed at this moment or later.' }),
    updatedUntil: t.field({ type: 'DateTime', description: 'Only what last changed before this moment.' }),
    isArchived: t.boolean({
      description: 'Only what is archived, by its page or its chat session, or only what is not; both when left out.',
    }),
  }),
})

/** The same, parsed. */
export const searchFilter = z
  .object({
    types: optional(z.array(z.enum(searchKinds)).max(10)),
    projectId: optional(idOf('Project')),
    tagId: optional(idOf('Tag')),
    createdById: optional(actorId),
    updatedSince: optional(z.date()),
    updatedUntil: optional(z.date()),
    isArchived: optional(z.boolean()),
  })
  .transform(({ types, updatedSince, updatedUntil, ...filter }) => ({
    ...{ ...filter, kinds: types ?? [] },
    ...{ updatedFrom: updatedSince, updatedBefore: updatedUntil },
  }))
