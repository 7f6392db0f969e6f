import { NIL } from 'uuid'
import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { errorType } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { encodeGlobalId, idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { linkAddress, linkedId, MAX_LINK_LENGTH, MAX_TEXT_LINKS, type TextLink } from '../../../lib/text-links.ts'
import { NotFound } from '../../../platform/errors.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { authorOf } from '../../accounts/users/user.reads.ts'
import { BlockNode } from '../blocks/block.graphql.ts'
import { findBlock } from '../blocks/block.reads.ts'
import { PageType } from '../pages/page.graphql.ts'
import {
  countBlockBacklinks,
  countPageBacklinks,
  findLink,
  type LinkRow,
  type LinkTarget,
  linksOf,
  listBlockBacklinks,
  listPageBacklinks,
  mayReadLink,
  targetOf,
} from './link.reads.ts'
import { createLink, deleteLink, LinkStandsInText, MAX_EXPLICIT_LINKS } from './link.service.ts'

errorType(
  LinkStandsInText,
  'The block’s text says this link: it goes, within seconds, when the text says it no more. If it was made beside the text as well, it can be deleted then. Nothing was changed.',
)

const LinkKindEnum = builder.enumType('LinkKind', {
  description: 'What a link leads to.',
  values: describedValues({ PAGE: 'A page.', BLOCK: 'A block.', URL: 'An address.' }),
})

type ExternalUrl = Extract<LinkTarget, { target: 'ExternalUrl' }>

const ExternalUrlRef = builder.objectRef<ExternalUrl>('ExternalUrl').implement({
  description: 'An address outside.',
  fields: (t) => ({
    url: t.exposeString('url', {
      description: `An http, https or mailto address in its normal form; ${MAX_LINK_LENGTH.toLocaleString('en')} characters at most.`,
    }),
  }),
})

const LinkTargetRef = builder.unionType('LinkTarget', {
  description: 'What a link can lead to.',
  types: [PageType, BlockNode, ExternalUrlRef],
  resolveType: (value) => (value as LinkTarget).target,
})

/** A link. */
export const LinkType = builder.node(builder.objectRef<LinkRow>('Link'), {
  description:
    'That a block leads to a page, a block or an address: because its text says so, because somebody made the link beside it, or both. From one block there is one to each. A link outlives what it leads to.',
  authScopes: (link, ctx) => mayReadLink(ctx, link),
  id: { description: 'Opaque, typed and sortable: `link_01jd…`.', resolve: (link) => link.id },
  loadOne: (id, ctx) => findLink(ctx, id),
  fields: (t) => ({
    source: t.field({
      type: BlockNode,
      description: 'The block it starts from.',
      resolve: async (link, _args, ctx) => {
        const block = await findBlock(ctx, link.sourceBlockId)
        if (block === null) throw new NotFound('block')
        return block
      },
    }),
    kind: t.field({ type: LinkKindEnum, description: 'What it leads to.', resolve: (link) => link.kind }),
    target: t.field({
      type: LinkTargetRef,
      nullable: true,
      description: 'What it leads to, as it is now; null when that is gone, or is not yours to see.',
      resolve: (link, _args, ctx) => targetOf(ctx, link),
    }),
    url: t.exposeString('url', { nullable: true, description: 'The address it leads to, of kind `URL`.' }),
    isDangling: t.boolean({
      description: 'Whether `target` is null: it leads nowhere, for you at least.',
      resolve: async (link, _args, ctx) => (await targetOf(ctx, link)) === null,
    }),
    inText: t.exposeBoolean('inText', {
      description: `Whether the block’s text says it, by formatting or written out; a job looks within seconds of a change. Of a text the first ${MAX_TEXT_LINKS} are found, in code none that is only written out.`,
    }),
    isExplicit: t.exposeBoolean('isExplicit', { description: 'Whether somebody made it beside the text.' }),
    createdBy: t.field({
      type: ActorInterface,
      description: 'Who made it, or changed the block last before it was found in the text.',
      resolve: (link, _args, ctx) => authorOf(ctx, link.createdById),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made or found.' }),
  }),
})

const LinkEdge = builder.edgeObject({
  type: LinkType,
  name: 'LinkEdge',
  description: 'A link and its place in the list.',
})
const LinkConnection = builder.connectionObject(
  { type: LinkType, name: 'LinkConnection', description: 'A page of a list of links.' },
  LinkEdge,
)

// Block.links
builder.objectField(BlockNode, 'links', (t) =>
  t.field({
    type: [LinkType],
    description: `Where it leads to, oldest first: at most ${MAX_TEXT_LINKS} by its text, and ${MAX_EXPLICIT_LINKS} made beside it.`,
    resolve: (block, _args, ctx) => linksOf(ctx, block),
  }),
)

// Block.backlinks
builder.objectField(BlockNode, 'backlinks', (t) =>
  t.connection(
    {
      type: LinkType,
      description: 'What leads to it, from blocks you may see; newest first.',
      resolve: (block, args, ctx) =>
        keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listBlockBacklinks(ctx, block, window),
          keyOf: (link) => [link.id],
          count: () => countBlockBacklinks(ctx, block),
        }),
    },
    LinkConnection,
    LinkEdge,
  ),
)

// Page.backlinks
builder.objectField(PageType, 'backlinks', (t) =>
  t.connection(
    {
      type: LinkType,
      description: 'What leads to it or to a block on it, from blocks you may see, also its own; newest first.',
      resolve: (page, args, ctx) =>
        keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listPageBacklinks(ctx, page, window),
          keyOf: (link) => [link.id],
          count: () => countPageBacklinks(ctx, page),
        }),
    },
    LinkConnection,
    LinkEdge,
  ),
)

const CreateLinkInput = builder.inputType('CreateLinkInput', {
  description: 'A link to make beside the text of a block: to a thing or to an address, exactly one of the two.',
  fields: (t) => ({
    sourceBlockId: t.id({ required: true, description: 'The block it starts from.' }),
    targetId: t.id({ description: 'The page or block it leads to, which you have to see.' }),
    url: t.string({
      description: `The http, https or mailto address it leads to; ${MAX_LINK_LENGTH.toLocaleString('en')} characters at most in its normal form.`,
    }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// An id of nothing is one of a page that nobody has: so the gate answers for it.
const toNothing: TextLink = { kind: 'PAGE', targetId: NIL, url: null }

const newLink = z
  .object({
    sourceBlockId: idOf('Block'),
    targetId: optional(z.string().transform((id) => linkedId(id) ?? toNothing)),
    url: optional(z.string()),
    idempotencyKey,
  })
  .transform(({ targetId, url, ...link }, check) => {
    if ((targetId === null) === (url === null)) {
      check.addIssue({ code: 'custom', path: ['targetId'], message: 'either this or an address' })
      return z.NEVER
    }
    const address = url === null ? null : linkAddress(url)
    const target: TextLink | null = address === null ? targetId : { kind: 'URL', targetId: null, url: address }
    if (target !== null) return { ...link, target }
    check.addIssue({ code: 'custom', path: ['url'], message: 'is no http, https or mailto address' })
    return z.NEVER
  })

// Mutation.createLink
builder.mutationField('createLink', (t) =>
  mutation(t, {
    type: LinkType,
    input: CreateLinkInput,
    schema: newLink,
    errors: [IdempotencyKeyReused],
    description: `Makes a link from a block, ${MAX_EXPLICIT_LINKS} at most; one that is there already, also by the text, is answered, and is explicit from then on.`,
    resolve: (input, ctx) => createLink(ctx, input),
  }),
)

const DeleteLinkInput = builder.inputType('DeleteLinkInput', {
  description: 'Which link to delete.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The link.' }) }),
})

const DeletedLink = builder.objectRef<{ readonly id: string }>('DeletedLink').implement({
  description: 'A link that is gone.',
  fields: (t) => ({
    deletedId: t.id({ description: 'Its id.', resolve: ({ id }) => encodeGlobalId('Link', id) }),
  }),
})

// Mutation.deleteLink
builder.mutationField('deleteLink', (t) =>
  mutation(t, {
    type: DeletedLink,
    input: DeleteLinkInput,
    schema: z.object({ id: idOf('Link') }),
    errors: [LinkStandsInText],
    description: 'Deletes a link that was made beside the text. What the text says goes with the text.',
    resolve: ({ id }, ctx) => deleteLink(ctx, id),
  }),
)
