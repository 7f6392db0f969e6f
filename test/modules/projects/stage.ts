import {
  CreatePageDocument,
  CreateProjectDocument,
  type CreateProjectInput,
  type ProjectRole,
  SetProjectMemberDocument,
} from '../../gql/graphql.ts'
import type { Person } from '../../kit/people.ts'

/** Makes a project and answers its id. */
export async function createProject(person: Person, input: CreateProjectInput): Promise<string> {
  const { createProject: made } = await person.mutate(CreateProjectDocument, { input })
  if (made.__typename !== 'Project') throw new Error(`The project came to ${JSON.stringify(made)}`)
  return made.id
}

/** Makes a page in a project and answers its id. */
export async function createPageIn(person: Person, projectId: string): Promise<string> {
  const { createPage: made } = await person.mutate(CreatePageDocument, { input: { title: 'A page', projectId } })
  if (made.__typename !== 'Page') throw new Error(`The page came to ${JSON.stringify(made)}`)
  return made.id
}

/** Gives somebody a role in a project. */
export async function addTo(host: Person, projectId: string, { userId }: Person, role: ProjectRole): Promise<void> {
  const { setProjectMember: member } = await host.mutate(SetProjectMemberDocument, {
    input: { projectId, userId, role },
  })
  if (member.__typename !== 'ProjectMember') throw new Error(`The member came to ${JSON.stringify(member)}`)
}

/** The code of the first error of an answer. */
export async function codeOf(
  sent: Promise<{ readonly errors?: readonly { readonly extensions: Record<string, unknown> }[] | undefined }>,
): Promise<unknown> {
  return (await sent).errors?.[0]?.extensions.code
}
