import type { Edit } from './mutation.ts'

// What several mutants switch off beside their own gate: or the next layer would still stand.

/** Rows of these tables are read whosever organization they are of. */
export function noTenant(...tables: readonly string[]): Edit {
  return {
    file: 'src/platform/database/tenant-reads.ts',
    find: "const query = anyTable.selectFrom(table as 'table')\n",
    put: `const query = anyTable.selectFrom(table as 'table')\n      if (${JSON.stringify(tables)}.includes(table)) return query as never\n`,
  }
}

/** What stands in this file's rows is everybody's, as an owner's. */
export function everybodyOwns(file: string): Edit {
  return { file, find: 'standingIn(db, facts)', put: "{ viewerRole: 'OWNER' as const, isArchived: false }" }
}

/** The first text in a file that is to become another. */
export function change(file: string, find: string, put: string): Edit {
  return { file, find, put }
}

/** The type in the graph lets everybody read its fields. */
export function openType(file: string, scopes: string): Edit {
  return { file, find: scopes, put: 'authScopes: () => true,' }
}

/** `holdAccount` takes everybody for an administrator of the platform. */
export const everybodyAdministers: Edit = {
  file: 'src/modules/accounts/administration/platform-admin.service.ts',
  find: 'if (administrator?.isPlatformAdmin !== true || administrator.suspendedAt !== null) throw new Forbidden(action, target)',
  put: '',
}

const project = 'src/modules/projects/project.reads.ts'
/** A project is found by whoever names it. */
export const findProject = change(
  project,
  "project !== null && project.deletedAt === null && may(ctx, 'project.read', project) ? project : null",
  'project',
)
/** Each project is everybody's, as an owner's. */
export const ownProject = change(project, '...standingIn(db, row) }', "viewerRole: 'OWNER', isArchived: false }")

/** A page is found by whoever names it. */
export const findPage = change(
  'src/modules/ocean/pages/page.reads.ts',
  "page !== null && may(ctx, 'page.read', page) ? page : null",
  'page',
)
/** So is a block. */
export const findBlock = change(
  'src/modules/ocean/blocks/block.reads.ts',
  'block !== null && (await mayReadBlock(ctx, block)) ? block : null',
  'block',
)
