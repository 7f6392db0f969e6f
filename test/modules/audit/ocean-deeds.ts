import {
  ArchivePageDocument,
  ConvertBlockDocument,
  CreateBlocksDocument,
  CreateLinkDocument,
  CreatePageDocument,
  CreateTagDocument,
  DeleteBlockDocument,
  DeleteLinkDocument,
  DeletePageDocument,
  DeleteTagDocument,
  DuplicatePageDocument,
  EditBlockTextDocument,
  MergeBlocksDocument,
  MoveBlockDocument,
  MovePageDocument,
  RestorePageDocument,
  SplitBlockDocument,
  TagPageDocument,
  UntagPageDocument,
  UpdateBlockDocument,
  UpdatePageDocument,
  UpdateTagDocument,
} from '../../gql/graphql.ts'
import { makeLink } from '../../kit/links.ts'
import { makeTag, mark } from '../../kit/tags.ts'
import { createPage, write } from '../../kit/test.ts'
import { createProject } from '../projects/stage.ts'
import { as, type Deed, type Scene } from './deeds.ts'

/** Inserts a letter into an empty text: what a Yjs client sends. */
const letter = 'AQEBAAQBBHRleHQBeAA='

const tagOf = ({ alice }: Scene) => makeTag(alice, `Audited ${crypto.randomUUID()}`)
const pageOf = ({ alice }: Scene) => createPage(alice, 'Audited')
const blocksOf = ({ alice, pageId }: Scene) => write(alice, pageId, 'one', 'two')

/** One good use of each mutation of the ocean. */
export const oceanDeeds: Record<string, Deed> = {
  createPage: {
    action: 'page.create',
    target: /^page_/,
    run: (scene) => as(scene, { document: CreatePageDocument, variables: { input: { title: 'Audited' } } }),
  },
  updatePage: {
    action: 'page.update',
    target: /^page_/,
    run: async (scene) => {
      const input = { id: (await pageOf(scene)).id, expectedVersion: 1, title: 'Renamed' }
      return as(scene, { document: UpdatePageDocument, variables: { input } })
    },
  },
  movePage: {
    action: 'page.move',
    target: /^page_/,
    run: async (scene) => {
      const projectId = await createProject(scene.alice, { name: 'Audited' })
      return as(scene, { document: MovePageDocument, variables: { input: { id: scene.pageId, projectId } } })
    },
  },
  duplicatePage: {
    action: 'page.create',
    target: /^page_/,
    run: (scene) => as(scene, { document: DuplicatePageDocument, variables: { input: { id: scene.pageId } } }),
  },
  archivePage: {
    action: 'page.archive',
    target: /^page_/,
    run: async (scene) =>
      as(scene, { document: ArchivePageDocument, variables: { input: { id: (await pageOf(scene)).id } } }),
  },
  restorePage: {
    action: 'page.restore',
    target: /^page_/,
    run: async (scene) => {
      const { id } = await pageOf(scene)
      await scene.alice.mutate(ArchivePageDocument, { input: { id } })
      return as(scene, { document: RestorePageDocument, variables: { input: { id } } })
    },
  },
  deletePage: {
    action: 'page.delete',
    target: /^page_/,
    run: async (scene) =>
      as(scene, { document: DeletePageDocument, variables: { input: { id: (await pageOf(scene)).id } } }),
  },
  createBlocks: {
    action: 'block.create',
    target: /^page_/,
    run: (scene) => {
      const input = { pageId: scene.pageId, blocks: [{ text: 'one' }, { text: 'two' }] }
      return as(scene, { document: CreateBlocksDocument, variables: { input } })
    },
  },
  updateBlock: {
    action: 'block.update',
    target: /^block_/,
    run: async (scene) => {
      const input = { pageId: scene.pageId, blocks: [{ type: 'TO_DO' as const }] }
      const { createBlocks: made } = await scene.alice.mutate(CreateBlocksDocument, { input })
      const id = made.__typename === 'CreatedBlocks' ? (made.blocks[0]?.id ?? '') : ''
      const change = { id, content: { checked: true }, expectedVersion: 1 }
      return as(scene, { document: UpdateBlockDocument, variables: { input: change } })
    },
  },
  editBlockText: {
    action: 'block.edit_text',
    target: /^block_/,
    run: async (scene) => {
      const [id = ''] = await write(scene.alice, scene.pageId, '')
      return as(scene, { document: EditBlockTextDocument, variables: { input: { id, update: letter } } })
    },
  },
  moveBlock: {
    action: 'block.move',
    target: /^block_/,
    run: async (scene) => {
      const [id = ''] = await blocksOf(scene)
      return as(scene, { document: MoveBlockDocument, variables: { input: { id } } })
    },
  },
  convertBlock: {
    action: 'block.convert',
    target: /^block_/,
    run: async (scene) => {
      const [id = ''] = await blocksOf(scene)
      return as(scene, { document: ConvertBlockDocument, variables: { input: { id, type: 'QUOTE' } } })
    },
  },
  splitBlock: {
    action: 'block.split',
    target: /^block_/,
    run: async (scene) => {
      const [id = ''] = await blocksOf(scene)
      return as(scene, { document: SplitBlockDocument, variables: { input: { id, index: 1 } } })
    },
  },
  mergeBlocks: {
    action: 'block.merge',
    target: /^block_/,
    run: async (scene) => {
      const [intoId = '', id = ''] = await blocksOf(scene)
      return as(scene, { document: MergeBlocksDocument, variables: { input: { id, intoId } } })
    },
  },
  deleteBlock: {
    action: 'block.delete',
    target: /^block_/,
    run: async (scene) => {
      const [id = ''] = await blocksOf(scene)
      return as(scene, { document: DeleteBlockDocument, variables: { input: { id } } })
    },
  },
  createLink: {
    action: 'link.create',
    target: /^block_/,
    run: async (scene) => {
      const [sourceBlockId = ''] = await blocksOf(scene)
      return as(scene, {
        document: CreateLinkDocument,
        variables: { input: { sourceBlockId, targetId: scene.pageId } },
      })
    },
  },
  deleteLink: {
    action: 'link.delete',
    target: /^link_/,
    run: async (scene) => {
      const [sourceBlockId = ''] = await blocksOf(scene)
      const { id } = await makeLink(scene.alice, { sourceBlockId, targetId: scene.pageId })
      return as(scene, { document: DeleteLinkDocument, variables: { input: { id } } })
    },
  },
  createTag: {
    action: 'tag.create',
    target: /^tag_/,
    run: (scene) => as(scene, { document: CreateTagDocument, variables: { input: { name: 'Audited' } } }),
  },
  updateTag: {
    action: 'tag.update',
    target: /^tag_/,
    run: async (scene) => {
      const input = { id: (await tagOf(scene)).id, expectedVersion: 1, color: '#000000' }
      return as(scene, { document: UpdateTagDocument, variables: { input } })
    },
  },
  deleteTag: {
    action: 'tag.delete',
    target: /^tag_/,
    run: async (scene) =>
      as(scene, { document: DeleteTagDocument, variables: { input: { id: (await tagOf(scene)).id } } }),
  },
  tagPage: {
    action: 'page.tag',
    target: /^page_/,
    run: async (scene) => {
      const input = { pageId: scene.pageId, tagId: (await tagOf(scene)).id }
      return as(scene, { document: TagPageDocument, variables: { input } })
    },
  },
  untagPage: {
    action: 'page.tag',
    target: /^page_/,
    run: async (scene) => {
      const [page, tag] = [await pageOf(scene), await tagOf(scene)]
      await mark(scene.alice, page, tag)
      const input = { pageId: page.id, tagId: tag.id }
      return as(scene, { document: UntagPageDocument, variables: { input } })
    },
  },
}
