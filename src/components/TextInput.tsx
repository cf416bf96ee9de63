import React, { type ComponentProps } from 'react';
import { Input } from '@grafana/ui';

type Props = Omit<ComponentProps<typeof Input>, 'value' | 'defaultValue' | 'onChange' | 'onBlur' | 'onKeyDown'> & {
  value: string;
  /** Called when the person is done: on leaving the field, or on Enter. */
  onCommit: (value: string) => void;
};

/** A text field that does not ask the agent at every keystroke. */
export function TextInput({ value, onCommit, ...rest }: Props) {
  const commit = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    const text = currentTarget.value.trim();
    if (text !== value) {
      onCommit(text);
    }
  };
  return (
    <Input
      {...rest}
      // What is being typed lives in the field; a value that comes from elsewhere makes a new field.
      key={value}
      defaultValue={value}
      onBlur={commit}
      onKeyDown={(event) => event.key === 'Enter' && commit(event)}
    />
  );
}
