#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>

#include "errors.h"

namespace ringside {

Napi::Value TakeLock(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  // Not blocking on a pipe that somebody has put there, either.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return Throw(info.Env(), {"lock", path, errno});
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(fd);
    return Throw(info.Env(), {"lock", path, error});
  }
  return Napi::Number::New(info.Env(), fd);
}

}  // namespace ringside
