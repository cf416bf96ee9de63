{
  "targets": [
    {
      "target_name": "ringside",
      "sources": [
        "src/addon.cc",
        "src/allocator.cc",
        "src/bpf_map.cc",
        "src/bpf_object.cc",
        "src/entries.cc",
        "src/errors.cc",
        "src/link.cc",
        "src/lock.cc",
        "src/mapping.cc",
        "src/number_text.cc",
        "src/open_object.cc",
        "src/pin.cc",
        "src/record_sums.cc",
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      "cflags_cc!": ["-std=gnu++14", "-std=gnu++17"],
      "cflags_cc": ["-std=gnu++20", "-Wall", "-Wextra", "-Wno-unused-parameter", "<!@(pkg-config --cflags libbpf)"],
      # Shared: Debian's static libbpf and libelf are not position-independent. Where the addon runs without being built
      # it needs the packages libbpf1, libelf1 and zlib1g.
      "libraries": ["<!@(pkg-config --libs libbpf)"],
    }
  ]
}
