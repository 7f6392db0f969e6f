/** Goes on when what was promised holds. @throws with the sentence when it does not */
export function promised(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Error(`not as promised: ${sentence}`)
}

/** The result of this type. @throws with what the API said instead */
export function expectType<Answer extends object, Name extends string>(
  answer: Answer | null,
  name: Name,
): Extract<Answer, { __typename: Name }> {
  promised(isOf(answer, name), `a ${name} was asked for, and what came is ${JSON.stringify(answer)}`)
  return answer
}

function isOf<Answer extends object, Name extends string>(
  answer: Answer | null,
  name: Name,
): answer is Extract<Answer, { __typename: Name }> {
  return answer !== null && '__typename' in answer && answer.__typename === name
}
