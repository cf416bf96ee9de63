import { type RefObject, useEffect, useRef, useState } from 'react';

/** The inner size of an element, in CSS pixels; 0 × 0 before it is laid out. */
export function useSize<T extends HTMLElement>(): [ref: RefObject<T>, width: number, height: number] {
  const ref = useRef<T>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      setSize({ width: Math.floor(width), height: Math.floor(height) });
    });
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return [ref, size.width, size.height];
}
